#include "splitter/chain/assemble.h"

#include <algorithm>
#include <map>
#include <set>

#include "loader/core/error.h"
#include "loader/ir/lint.h"
#include "loader/ir/walk.h"
#include "splitter/chain/stage_chain.h"
#include "splitter/chain/stage_guards.h"
#include "splitter/cut/describe.h"
#include "splitter/cut/modules.h"
#include "splitter/cut/operators.h"

namespace pp {

namespace {

/// Fills in all of `entry` except its inputs and outputs, which are set
/// already.
void describe(const ir::Graph& graph, StageManifest& entry) {
  for (const auto& [fqn, span] : module_spans(graph)) {
    if (fqn.find('.') == std::string::npos) {
      entry.modules.push_back(fqn);
    }
  }
  describe_contents(graph, entry);
  for (const StageInput& input : entry.inputs) {
    if (!input.from_user) {
      entry.bytes_in += num_bytes(input.type, input.tensor);
    }
  }
  for (const StageOutput& output : entry.outputs) {
    if (output.to_next) {
      entry.bytes_out += num_bytes(output.type, output.tensor);
    }
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

  /// Whether `stage` sends the output to the next stage.
  bool crosses(const ChainedOutput& output, int stage) const {
    return output.stage <= stage && !is_last(stage) &&
           (output.returned || output.last_reader > stage);
  }

  /// The outputs that a stage receives, as indices, in order: first those that
  /// its own inputs read, then those that it only relays.
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
      const int index = static_cast<int>(i);
      if (crosses(chain_.outputs[i], stage - 1) &&
          std::ranges::find(out, index) == out.end()) {
        out.push_back(index);
      }
    }
    return out;
  }

  /// Puts the stage's inputs and outputs in the manifest's order.
  void rebuild() {
    StageManifest entry;
    received_values_.clear();
    const std::vector<std::string> guards = std::move(graph().guards);
    graph().guards.clear();
    set_inputs(entry);
    place_guards(guards, graph(), chain_, entry, out_.manifest.guards);
    set_outputs(entry);
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

  void set_inputs(StageManifest& entry) {
    std::vector<ir::Input> inputs;
    const auto& entries = chain_.entries[static_cast<size_t>(stage_)];
    for (const int index : received(stage_)) {
      inputs.push_back(receive(index, entry));
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
  }

  /// Makes an output of an earlier stage an input of this one: either an input
  /// that the stage has already, or a new one whose value it only relays.
  ir::Input receive(int index, StageManifest& entry) {
    const ChainedOutput& output = chain_.outputs[index];
    const auto& entries = chain_.entries[static_cast<size_t>(stage_)];
    const auto own = std::ranges::find(entries, index, &ChainedInput::output);
    ir::TensorMeta contract = output.tensor;
    ir::Input input;
    if (own != entries.end()) {
      input = {own->name, own->value, false};
      const auto& expected = graph().values[own->value].tensor;
      contract = expected && expected->known ? *expected : contract;
      if (own->name != output.output || output.stage + 1 != stage_) {
        entry.notes.push_back(
            "reads its input '" + own->name + "' from '" + output.output +
            "' of stage " + std::to_string(output.stage));
      }
    } else {
      std::string name = output.name;
      while (std::ranges::find(entries, name, &ChainedInput::name) !=
             entries.end()) {
        name += "_";
      }
      input = {name, add_relay(output), false};
    }
    received_values_[index] = input.value;
    entry.inputs.push_back({output.name, false, {}, output.type, contract});
    return input;
  }

  ir::ValueId add_relay(const ChainedOutput& output) {
    ir::Value value;
    value.name = output.name;
    value.type = output.type;
    if (output.type.kind == ir::TypeKind::Tensor) {
      value.tensor = output.tensor;
    } else {
      value.scalar = ir::Dim{};
    }
    return ir::add_value(graph(), std::move(value));
  }

  void set_outputs(StageManifest& entry) {
    const std::vector<ir::Output> own = std::move(graph().outputs);
    graph().outputs.clear();
    if (is_last(stage_)) {
      add_model_outputs(own, entry);
      return;
    }
    for (const int index : received(stage_ + 1)) {
      add_output(index, true, chain_.outputs[index].name, entry);
    }
  }

  /// name  the output's name in the graph
  void add_output(
      int index, bool to_next, const std::string& name, StageManifest& entry) {
    const ChainedOutput& source = chain_.outputs[index];
    const bool relayed = source.stage != stage_;
    StageOutput output;
    output.value = source.name;
    output.to_next = to_next;
    output.relayed = relayed;
    output.only_for_output = to_next && source.last_reader <= stage_;
    output.model_output = to_next ? "" : name;
    output.type = source.type;
    output.tensor = source.tensor;
    entry.outputs.push_back(std::move(output));
    graph().outputs.push_back(
        {name,
         relayed ? ir::Arg{ir::Ref{received_values_.at(index)}}
                 : source.value});
    if (relayed) {
      entry.notes.push_back(
          "relays '" + source.output + "' of stage " +
          std::to_string(source.stage) +
          (source.last_reader > stage_
               ? ": read by stage " + std::to_string(source.last_reader)
               : ": it is an output of the model"));
    }
  }

  /// Adds the last stage's own outputs, then those of earlier stages that no
  /// stage reads.
  void add_model_outputs(
      const std::vector<ir::Output>& own, StageManifest& entry) {
    std::set<std::string> names;
    for (const ir::Output& output : own) {
      names.insert(output.name);
      if (const int index = chain_.find_output(stage_, output.name);
          index >= 0) {
        add_output(index, false, output.name, entry);
        continue;
      }
      StageOutput constant;
      constant.model_output = output.name;
      constant.type.kind = ir::TypeKind::None;
      entry.outputs.push_back(std::move(constant));
      graph().outputs.push_back(output);
    }
    for (size_t i = 0; i < chain_.outputs.size(); ++i) {
      const ChainedOutput& output = chain_.outputs[i];
      if (output.returned && output.stage != stage_) {
        std::string name = output.output;
        if (!names.insert(name).second) {
          name = "stage_" + std::to_string(output.stage) + "." + name;
          names.insert(name);
        }
        add_output(static_cast<int>(i), false, name, entry);
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
  int stage_ = 0;  // the stage being rebuilt
  // The stage's value for each output that it receives, by the output's index.
  std::map<int, ir::ValueId> received_values_;
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
