#include "splitter/cut/describe.h"

#include <algorithm>
#include <map>

#include "loader/core/text.h"
#include "loader/ir/walk.h"
#include "splitter/cut/flops.h"
#include "splitter/cut/modules.h"
#include "splitter/cut/operators.h"

namespace pp {

namespace {

ir::TensorMeta tensor_of(const ir::Value& value) {
  return value.tensor.value_or(ir::TensorMeta{});
}

class Describer {
 public:
  Describer(
      const Flow& flow, const std::vector<StagePlan>& plans, bool transmit)
      : flow_(flow), graph_(*flow.graph), plans_(plans), transmit_(transmit) {}

  StageManifest describe(size_t index, const ir::Graph& stage) const {
    StageManifest out;
    describe_inputs(index, out);
    describe_outputs(index, out);
    out.modules = whole_modules(plans_[index]);
    describe_contents(stage, out);
    note_relays(index, out.notes);
    note_sent_parameters(index, out.notes);
    note_recomputed(plans_[index], out.notes);
    note_copies(plans_[index], out.notes);
    note_shared_memory(plans_[index], out.notes);
    return out;
  }

 private:
  void describe_inputs(size_t index, StageManifest& out) const {
    const StagePlan& plan = plans_[index];
    for (const ir::ValueId id : plan.received) {
      const ir::Value& value = flow_.value(id);
      out.inputs.push_back(
          {value.name, false, {}, value.type, tensor_of(value)});
      out.bytes_in += num_bytes(value);
    }
    for (const ir::ValueId id : plan.user_inputs) {
      const ir::Value& value = flow_.value(id);
      out.inputs.push_back(
          {value.name,
           true,
           graph_.inputs[flow_.input_of[id]].name,
           value.type,
           tensor_of(value)});
    }
  }

  bool passes_on(const StagePlan& plan, ir::ValueId id) const {
    const auto has = [&](const std::vector<ir::ValueId>& ids) {
      return std::ranges::find(ids, id) != ids.end();
    };
    return (has(plan.received) || has(plan.user_inputs)) &&
           !plan.copied.contains(id);
  }

  void describe_outputs(size_t index, StageManifest& out) const {
    const StagePlan& plan = plans_[index];
    if (index + 1 < plans_.size()) {
      const StagePlan& next = plans_[index + 1];
      for (const ir::ValueId id : next.received) {
        const ir::Value& value = flow_.value(id);
        StageOutput output;
        output.value = value.name;
        output.to_next = true;
        output.relayed = passes_on(plan, id);
        output.only_for_output = !next.read_later.contains(id);
        output.type = value.type;
        output.tensor = tensor_of(value);
        out.outputs.push_back(std::move(output));
        out.bytes_out += num_bytes(value);
      }
      return;
    }
    for (const ir::Output& model_output : graph_.outputs) {
      StageOutput output;
      output.model_output = model_output.name;
      output.type.kind = ir::TypeKind::None;
      if (const auto* ref = std::get_if<ir::Ref>(&model_output.value.value)) {
        const ir::Value& value = flow_.value(ref->id);
        output.value = value.name;
        output.relayed = passes_on(plan, ref->id);
        output.type = value.type;
        output.tensor = tensor_of(value);
      }
      out.outputs.push_back(std::move(output));
    }
  }

  /// The outermost modules whose nodes all lie in the stage.
  std::vector<std::string> whole_modules(const StagePlan& plan) const {
    std::vector<std::pair<int, std::string>> found;
    const auto spans = module_spans(graph_);
    const auto is_whole = [&](const std::string& fqn) {
      const auto span = spans.find(fqn);
      return span != spans.end() && span->second.first >= plan.begin &&
             span->second.last < plan.end;
    };
    for (const auto& [fqn, span] : spans) {
      bool covered = false;
      for (size_t dot = fqn.find('.'); dot != std::string::npos;
           dot = fqn.find('.', dot + 1)) {
        covered = covered || is_whole(fqn.substr(0, dot));
      }
      if (!covered && is_whole(fqn)) {
        found.emplace_back(span.first, fqn);
      }
    }
    std::ranges::stable_sort(
        found, {}, [](const auto& each) { return each.first; });
    std::vector<std::string> out;
    for (auto& [first, fqn] : found) {
      out.push_back(std::move(fqn));
    }
    return out;
  }

  /// The stage that first sends the value.
  size_t first_sender(ir::ValueId id) const {
    size_t stage = 0;
    while (std::ranges::find(plans_[stage + 1].received, id) ==
           plans_[stage + 1].received.end()) {
      ++stage;
    }
    return stage;
  }

  /// The module that reads the value in a stage.
  std::string reader_in(const StagePlan& plan, ir::ValueId id) const {
    for (const int node : plan.kept) {
      const auto reads = ir::reads_of(graph_.nodes[node]);
      if (std::ranges::find(reads, id) != reads.end()) {
        const auto chain = module_chain(graph_.nodes[node]);
        return chain.empty() ? "the model itself" : chain.back();
      }
    }
    return "nodes that it recomputes";
  }

  void note_relays(size_t index, std::vector<std::string>& notes) const {
    if (index + 1 == plans_.size()) {
      return;
    }
    for (const ir::ValueId id : plans_[index + 1].received) {
      if (!passes_on(plans_[index], id)) {
        continue;
      }
      size_t last = index + 1;
      std::string why = "it is an output of the model";
      for (size_t i = index + 1; i < plans_.size(); ++i) {
        const auto& received = plans_[i].received;
        if (std::ranges::find(received, id) == received.end()) {
          break;
        }
        last = i;
        if (plans_[i].read_here.contains(id)) {
          why = "read by " + reader_in(plans_[i], id);
        }
      }
      notes.push_back(
          "relays '" + flow_.value(id).name + "' (stage " +
          std::to_string(first_sender(id)) + " -> " + std::to_string(last) +
          "): " + why);
    }
  }

  void note_sent_parameters(
      size_t index, std::vector<std::string>& notes) const {
    if (!transmit_ || index + 1 == plans_.size()) {
      return;
    }
    for (const ir::ValueId id : plans_[index + 1].received) {
      const int state = flow_.state_of[id];
      if (state < 0 || !plans_[index].states.contains(state)) {
        continue;
      }
      std::vector<std::string> readers;
      for (size_t i = index + 1; i < plans_.size(); ++i) {
        if (plans_[i].read_here.contains(id)) {
          readers.push_back(std::to_string(i));
        }
      }
      notes.push_back(
          "sends its parameter '" + graph_.states[state].fqn + "' (" +
          human_bytes(num_bytes(flow_.value(id))) + ") to " +
          (readers.size() == 1 ? "stage " : "stages ") + join(readers) +
          (readers.size() == 1 ? ", which reads it too"
                               : ", which read it too"));
    }
  }

  /// Number of nodes that a stage runs to recompute the results of a free node.
  size_t count_rerun_nodes(int position) const {
    std::vector<int> open{position};
    std::set<int> seen{position};
    while (!open.empty()) {
      const ir::Node& node = graph_.nodes[open.back()];
      open.pop_back();
      for (const ir::ValueId id : ir::reads_of(node)) {
        if (flow_.is_made_freely(id) && seen.insert(flow_.made_at[id]).second) {
          open.push_back(flow_.made_at[id]);
        }
      }
    }
    return seen.size();
  }

  void note_recomputed(
      const StagePlan& plan, std::vector<std::string>& notes) const {
    for (const ir::ValueId id : plan.recomputed) {
      const int made = flow_.made_at[id];
      if (flow_.free_sources[made].empty()) {
        continue;  // the node only builds a container
      }
      const size_t nodes = count_rerun_nodes(made);
      notes.push_back(
          "recomputes '" + flow_.value(id).name + "' (" +
          std::to_string(nodes) + (nodes == 1 ? " node" : " nodes") +
          ") instead of relaying " + human_bytes(num_bytes(flow_.value(id))) +
          ": computed only from " + flow_.free_sources[made]);
    }
  }

  void note_copies(
      const StagePlan& plan, std::vector<std::string>& notes) const {
    for (const ir::ValueId id : plan.copied) {
      notes.push_back(
          "copies '" + flow_.value(id).name +
          "' on entry: this stage writes it in place");
    }
  }

  /// Notes groups of states that share memory. The stage holds all of them,
  /// even those that only other stages read, because their updates change its
  /// own.
  void note_shared_memory(
      const StagePlan& plan, std::vector<std::string>& notes) const {
    if (plans_.size() == 1) {
      return;
    }
    std::map<std::string, std::vector<std::string>> groups;
    for (const int index : plan.states) {
      const ir::State& state = graph_.states[index];
      if (!state.memory.empty()) {
        groups[state.memory].push_back("'" + state.fqn + "'");
      }
    }
    for (const auto& [memory, names] : groups) {
      notes.push_back(
          "holds " + join(names) +
          ", which share memory, so it updates all of them");
    }
  }

  const Flow& flow_;
  const ir::Graph& graph_;
  const std::vector<StagePlan>& plans_;
  bool transmit_;
};

void describe_ties(
    const ir::Graph& graph,
    const std::vector<StagePlan>& plans,
    Manifest& manifest) {
  for (size_t i = 0; i < graph.states.size(); ++i) {
    const ir::State& state = graph.states[i];
    TiedParameter tied{state.fqn, state.aliases, {}};
    for (size_t k = 0; k < plans.size(); ++k) {
      if (plans[k].states.contains(static_cast<int>(i))) {
        tied.stages.push_back(static_cast<int>(k));
      }
    }
    if (state.kind == ir::StateKind::Parameter && tied.stages.size() > 1) {
      manifest.tied.push_back(std::move(tied));
    }
  }
}

}  // namespace

void describe_contents(const ir::Graph& stage, StageManifest& entry) {
  for (const ir::State& state : stage.states) {
    const ir::Value& value = stage.values[state.value];
    if (state.kind == ir::StateKind::Parameter) {
      entry.parameters.push_back(state.fqn);
      entry.num_parameters += num_elements(tensor_of(value));
      entry.parameter_bytes += num_bytes(value);
    } else if (state.kind == ir::StateKind::Buffer) {
      entry.buffers.push_back(state.fqn);
    }
  }
  for (const ir::Node& node : stage.nodes) {
    entry.flops += flops(stage, node);
  }
}

void describe_stages(
    const Flow& flow,
    const std::vector<StagePlan>& plans,
    const std::vector<ir::Graph>& graphs,
    bool transmit,
    Manifest& manifest) {
  const Describer describer(flow, plans, transmit);
  for (size_t i = 0; i < plans.size(); ++i) {
    manifest.stages.push_back(describer.describe(i, graphs[i]));
  }
  describe_ties(*flow.graph, plans, manifest);
}

void describe_model(const ir::Graph& graph, Manifest& manifest) {
  for (const ir::Input& input : graph.inputs) {
    const ir::Value& value = graph.values[input.value];
    manifest.inputs.push_back(
        {input.name, value.type, tensor_of(value), input.keyword});
  }
  for (const ir::Output& output : graph.outputs) {
    ModelOutput described{output.name, {}, {}};
    described.type.kind = ir::TypeKind::None;
    if (const auto* ref = std::get_if<ir::Ref>(&output.value.value)) {
      const ir::Value& value = graph.values[ref->id];
      described.type = value.type;
      described.tensor = tensor_of(value);
    }
    manifest.outputs.push_back(std::move(described));
  }
  manifest.guards = graph.guards;
}

}  // namespace pp
