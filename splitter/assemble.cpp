#include "splitter/assemble.h"

#include <algorithm>
#include <set>

#include "loader/core/error.h"
#include "loader/ir/lint.h"
#include "loader/ir/walk.h"
#include "splitter/flops.h"
#include "splitter/modules.h"
#include "splitter/operators.h"
#include "splitter/stage_chain.h"

namespace pp {

namespace {

std::string quoted(const std::string& name) {
  return "'" + name + "'";
}

/// What the manifest says of a stage beside its inputs and outputs.
void describe(const ir::Graph& graph, StageManifest& entry) {
  for (const auto& [fqn, span] : module_spans(graph)) {
    if (fqn.find('.') == std::string::npos) {
      entry.modules.push_back(fqn);
    }
  }
  for (const ir::State& state : graph.states) {
    const ir::Value& value = graph.values[state.value];
    if (state.kind == ir::StateKind::Parameter) {
      entry.parameters.push_back(state.fqn);
      entry.num_parameters +=
          num_elements(value.tensor.value_or(ir::TensorMeta{}));
      entry.parameter_bytes += num_bytes(value);
    } else if (state.kind == ir::StateKind::Buffer) {
      entry.buffers.push_back(state.fqn);
    }
  }
  for (const ir::Node& node : graph.nodes) {
    entry.flops += flops(graph, node);
  }
  const auto bytes = [](const auto& each) -> uint64_t {
    return each.type.kind == ir::TypeKind::Tensor ? ir::num_bytes(each.tensor)
                                                  : 8;
  };
  for (const StageInput& input : entry.inputs) {
    entry.bytes_in += input.from_user ? 0 : bytes(input);
  }
  for (const StageOutput& output : entry.outputs) {
    entry.bytes_out += output.to_next ? bytes(output) : 0;
  }
}

class Assembler {
 public:
  Assembler(std::vector<Model> stages, const StageChain& chain)
      : chain_(chain) {
    out_.stages = std::move(stages);
  }

  Assembly run() {
    out_.manifest.format = out_.stages.front().format;
    for (size_t i = 0; i < out_.stages.size(); ++i) {
      stage_ = static_cast<int>(i);
      rebuild();
    }
    describe_outputs();
    out_.manifest.inputs = chain_.inputs;
    for (ModelInput& input : out_.manifest.inputs) {
      chain_.symbols.pin(input.tensor);
    }
    return std::move(out_);
  }

 private:
  Model& model() { return out_.stages[static_cast<size_t>(stage_)]; }
  ir::Graph& graph() { return model().graph; }
  bool is_last(int stage) const {
    return stage + 1 == static_cast<int>(out_.stages.size());
  }

  /// Whether a value goes from `stage` to the next.
  bool crosses(const ChainedOutput& live, int stage) const {
    return live.stage <= stage && !is_last(stage) &&
           (live.returned || live.last_reader > stage);
  }

  /// What a stage gets, in order: its own inputs', then what it passes on.
  std::vector<int> received(int stage) const {
    std::vector<int> out;
    if (stage == 0) {
      return out;
    }
    for (const ChainedInput& entry :
         chain_.entries[static_cast<size_t>(stage)]) {
      if (entry.output >= 0) {
        out.push_back(entry.output);
      }
    }
    for (size_t i = 0; i < chain_.outputs.size(); ++i) {
      const int live = static_cast<int>(i);
      if (crosses(chain_.outputs[i], stage - 1) &&
          std::ranges::find(out, live) == out.end()) {
        out.push_back(live);
      }
    }
    return out;
  }

  /// Puts the stage's inputs and outputs in the manifest's order.
  void rebuild() {
    StageManifest entry;
    std::map<int, ir::ValueId> here;  // by live
    std::vector<ir::Input> inputs;
    const std::vector<int> taken = received(stage_);
    const auto& entries = chain_.entries[static_cast<size_t>(stage_)];
    for (const int id : taken) {
      const auto own = std::ranges::find(entries, id, &ChainedInput::output);
      const ChainedOutput& live = chain_.outputs[id];
      ir::TensorMeta contract = live.tensor;
      if (own != entries.end()) {
        here[id] = own->value;
        inputs.push_back({own->name, own->value, false});
        const auto& mine = graph().values[own->value].tensor;
        contract = mine && mine->known ? *mine : contract;
        if (own->name != live.output || live.stage + 1 != stage_) {
          entry.notes.push_back(
              "takes " + quoted(own->name) + " from " + quoted(live.output) +
              " of stage " + std::to_string(live.stage));
        }
      } else {
        here[id] = add_relay(live);
        std::string name = live.name;
        while (std::ranges::find(entries, name, &ChainedInput::name) !=
               entries.end()) {
          name += "_";
        }
        inputs.push_back({name, here[id], false});
      }
      entry.inputs.push_back({live.name, false, {}, live.type, contract});
    }
    for (const ChainedInput& each : entries) {
      if (each.output < 0) {
        inputs.push_back({each.name, each.value, true});
        const ir::Value& value = graph().values[each.value];
        entry.inputs.push_back(
            {value.name,
             true,
             each.name,
             value.type,
             value.tensor.value_or(ir::TensorMeta{})});
      }
    }
    graph().inputs = std::move(inputs);
    set_outputs(here, entry);
    for (StageInput& input : entry.inputs) {
      chain_.symbols.pin(input.tensor);
    }
    describe(graph(), entry);
    ir::lint(graph(), model().path);
    out_.manifest.stages.push_back(std::move(entry));
    if (stage_ > 0) {
      out_.manifest.cuts.push_back("stage " + std::to_string(stage_));
    }
  }

  ir::ValueId add_relay(const ChainedOutput& live) {
    ir::Value value;
    value.name = live.name;
    value.type = live.type;
    if (live.type.kind == ir::TypeKind::Tensor) {
      value.tensor = live.tensor;
    } else {
      value.scalar = ir::Dim{};
    }
    return ir::add_value(graph(), std::move(value));
  }

  void set_outputs(
      const std::map<int, ir::ValueId>& here, StageManifest& entry) {
    std::vector<ir::Output> own = std::move(graph().outputs);
    graph().outputs.clear();
    const auto add = [&](int id, bool to_next, const std::string& name) {
      const ChainedOutput& live = chain_.outputs[id];
      StageOutput output;
      output.value = live.name;
      output.to_next = to_next;
      output.relayed = live.stage != stage_;
      output.only_for_output = to_next && live.last_reader <= stage_;
      output.model_output = to_next ? "" : name;
      output.type = live.type;
      output.tensor = live.tensor;
      entry.outputs.push_back(std::move(output));
      graph().outputs.push_back(
          {name,
           live.stage == stage_ ? live.value : ir::Arg{ir::Ref{here.at(id)}}});
      if (live.stage != stage_) {
        entry.notes.push_back(
            "relays " + quoted(live.output) + " of stage " +
            std::to_string(live.stage) +
            (live.last_reader > stage_
                 ? ": taken by stage " + std::to_string(live.last_reader)
                 : ": it is an output of the model"));
      }
    };
    if (!is_last(stage_)) {
      for (const int id : received(stage_ + 1)) {
        add(id, true, chain_.outputs[id].name);
      }
      return;
    }
    std::set<std::string> names;
    for (const ir::Output& output : own) {
      names.insert(output.name);
      if (const int id = chain_.find_output(stage_, output.name); id >= 0) {
        add(id, false, output.name);
        continue;
      }
      StageOutput constant;
      constant.model_output = output.name;
      constant.type.kind = ir::TypeKind::None;
      entry.outputs.push_back(std::move(constant));
      graph().outputs.push_back(output);
    }
    for (size_t i = 0; i < chain_.outputs.size(); ++i) {
      if (chain_.outputs[i].returned && chain_.outputs[i].stage != stage_) {
        std::string name = chain_.outputs[i].output;
        if (!names.insert(name).second) {
          name =
              "stage_" + std::to_string(chain_.outputs[i].stage) + "." + name;
          names.insert(name);
        }
        add(static_cast<int>(i), false, name);
      }
    }
  }

  void describe_outputs() {
    for (const StageOutput& output : out_.manifest.stages.back().outputs) {
      out_.manifest.outputs.push_back(
          {output.model_output, output.type, output.tensor});
    }
  }

  Assembly out_;
  const StageChain& chain_;
  int stage_ = 0;
};

}  // namespace

Assembly assemble(std::vector<Model> stages) {
  const StageChain chain = chain_stages(stages);
  return assemble_chain(std::move(stages), chain);
}

Assembly assemble_chain(std::vector<Model> stages, const StageChain& chain) {
  return Assembler(std::move(stages), chain).run();
}

}  // namespace pp
