#include "splitter/cut/stage_graph.h"

#include <algorithm>

#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "splitter/cut/operators.h"

namespace pp {

namespace {

class StageBuilder {
 public:
  StageBuilder(const Flow& flow, const StagePlan& plan, const StagePlan* next)
      : flow_(flow),
        source_(*flow.graph),
        plan_(plan),
        next_(next),
        local_(source_.values.size(), ir::kNoValue) {}

  ir::Graph run() {
    add_inputs();
    add_states();
    for (const auto& [scalar, place] : plan_.sizes) {
      add_size(scalar, place);
    }
    for (const ir::ValueId id : plan_.copied) {
      local_[id] = add_copy(local_[id]);
    }
    for (const int node : plan_.rerun) {
      add_rerun(source_.nodes[node]);
    }
    for (const int node : plan_.kept) {
      add_node(source_.nodes[node]);
    }
    add_outputs();
    add_mutations();
    graph_.ranges = source_.ranges;
    return std::move(graph_);
  }

 private:
  ir::ValueId add(ir::ValueId source) {
    local_[source] = ir::add_value(graph_, source_.values[source]);
    return local_[source];
  }

  ir::ValueId local(ir::ValueId source) const {
    check(
        local_[source] != ir::kNoValue,
        "the stage has '" + source_.values[source].name + "', which it reads");
    return local_[source];
  }

  void add_inputs() {
    const auto is_user_name = [&](const std::string& name) {
      return std::ranges::any_of(plan_.user_inputs, [&](ir::ValueId id) {
        return source_.inputs[flow_.input_of[id]].name == name;
      });
    };
    for (const ir::ValueId id : plan_.received) {
      std::string name = source_.values[id].name;
      while (is_user_name(name)) {
        name += '_';
      }
      graph_.inputs.push_back({name, add(id), false});
    }
    for (const ir::ValueId id : plan_.user_inputs) {
      graph_.inputs.push_back(
          {source_.inputs[flow_.input_of[id]].name, add(id), true});
    }
  }

  void add_states() {
    for (const int index : plan_.states) {
      ir::State state = source_.states[index];
      state.value = add(state.value);
      graph_.states.push_back(std::move(state));
    }
  }

  void add_size(ir::ValueId scalar, const SizeFinder::Place& place) {
    ir::Node node;
    node.target = "aten.sym_size.int";
    node.inputs.push_back({"self", {ir::Ref{local(place.tensor)}}, false});
    node.inputs.push_back({"dim", {int64_t{place.dim}}, false});
    node.outputs.push_back({{add(scalar)}, false});
    node.modules = root_frame();
    graph_.nodes.push_back(std::move(node));
  }

  /// The frame of the root module, for nodes that the source doesn't have.
  std::vector<ir::ModuleFrame> root_frame() const {
    for (const ir::Node& node : source_.nodes) {
      if (!node.modules.empty() && node.modules.front().fqn.empty()) {
        return {node.modules.front()};
      }
    }
    return {};
  }

  /// Adds a clone, named after the original.
  ir::ValueId add_copy(ir::ValueId original) {
    ir::Value value = graph_.values[original];
    const std::string stem = value.name + "_copy";
    value.name = stem;
    const auto is_taken = [&](const std::string& name) {
      return ir::try_find_value(source_, name) != ir::kNoValue ||
             ir::try_find_value(graph_, name) != ir::kNoValue;
    };
    for (int i = 1; is_taken(value.name); ++i) {
      value.name = stem + "_" + std::to_string(i);
    }
    if (value.tensor) {
      value.tensor->storage_offset = {};
    }
    ir::Node node;
    node.target = "aten.clone.default";
    node.inputs.push_back({"self", {ir::Ref{original}}, false});
    node.outputs.push_back({{ir::add_value(graph_, std::move(value))}, false});
    node.modules = root_frame();
    graph_.nodes.push_back(std::move(node));
    return graph_.nodes.back().outputs.front().ids.front();
  }

  void add_rerun(const ir::Node& node) {
    if (data_writes(node).empty()) {
      add_node(node);
      return;
    }
    // The node ran in an earlier stage. Its results are other names of the
    // values that it wrote.
    for (const auto& [output, input] : node.effects.aliases) {
      if (output != input && local_[input] != ir::kNoValue) {
        local_[output] = local_[input];
      }
    }
  }

  void add_node(const ir::Node& source) {
    ir::Node node = source;
    for (ir::NamedArg& input : node.inputs) {
      ir::for_each_ref(input.arg, [&](ir::ValueId& id) { id = local(id); });
    }
    for (ir::NodeOutput& output : node.outputs) {
      for (ir::ValueId& id : output.ids) {
        if (id != ir::kNoValue) {
          id = add(id);
        }
      }
    }
    for (ir::ValueId& id : node.effects.writes) {
      id = local(id);
    }
    for (auto& [output, input] : node.effects.aliases) {
      output = local(output);
      input = local(input);
    }
    graph_.nodes.push_back(std::move(node));
  }

  /// The value to send or return: a copy if it shares memory with a state that
  /// the stage writes, because the next microbatch overwrites that memory.
  ir::ValueId leaving(ir::ValueId source) {
    const AliasSet& set = flow_.aliases.of(source);
    const bool written_here = set.is_written_state() &&
                              set.writes.back() >= plan_.begin &&
                              set.writes.back() < plan_.end;
    const bool received =
        std::ranges::find(plan_.received, source) != plan_.received.end();
    return written_here && !received ? add_copy(local(source)) : local(source);
  }

  void add_outputs() {
    if (next_ != nullptr) {
      for (const ir::ValueId id : next_->received) {
        graph_.outputs.push_back(
            {source_.values[id].name, {ir::Ref{leaving(id)}}});
      }
      return;
    }
    for (ir::Output output : source_.outputs) {
      ir::for_each_ref(
          output.value, [&](ir::ValueId& id) { id = leaving(id); });
      graph_.outputs.push_back(std::move(output));
    }
  }

  void add_mutations() {
    for (const ir::Mutation& mutation : source_.mutations) {
      const int state = ir::try_find_state(source_, mutation.fqn);
      const auto& writes = flow_.aliases.of(source_.states[state].value).writes;
      if (writes.back() >= plan_.begin && writes.back() < plan_.end) {
        graph_.mutations.push_back({mutation.fqn, local(mutation.value)});
      }
    }
  }

  const Flow& flow_;
  const ir::Graph& source_;
  const StagePlan& plan_;
  const StagePlan* next_;
  std::vector<ir::ValueId> local_;  // each source value's id in the stage
  ir::Graph graph_;
};

}  // namespace

ir::Graph build_stage(
    const Flow& flow, const StagePlan& plan, const StagePlan* next) {
  return StageBuilder(flow, plan, next).run();
}

}  // namespace pp
