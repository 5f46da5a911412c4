#include "splitter/chain/stage_chain.h"

#include <algorithm>
#include <set>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "splitter/cut/operators.h"
#include "splitter/manifest/type_text.h"

namespace pp {

namespace {

class Chainer {
 public:
  explicit Chainer(std::vector<Model>& stages) : stages_(stages) {
    check(!stages_.empty(), "a chain has at least one stage");
  }

  StageChain run() {
    separate_states();
    for (size_t i = 0; i < stages_.size(); ++i) {
      stage_ = static_cast<int>(i);
      join_inputs();
      note_outputs();
    }
    mark_returned();
    return std::move(out_);
  }

 private:
  Model& model() { return stages_[static_cast<size_t>(stage_)]; }
  ir::Graph& graph() { return model().graph; }
  bool is_last(int stage) const {
    return stage + 1 == static_cast<int>(stages_.size());
  }
  const std::string& path_of(int stage) const {
    return stages_[static_cast<size_t>(stage)].path;
  }

  /// Adds a prefix to all FQNs if two stages use the same FQN. Nothing says
  /// that the stages share such a parameter, so they have two.
  void separate_states() {
    std::set<std::string> fqns;
    bool clash = false;
    const auto each_name = [](ir::State& state, const auto& visit) {
      visit(state.fqn);
      std::ranges::for_each(state.aliases, visit);
    };
    for (Model& model : stages_) {
      for (ir::State& state : model.graph.states) {
        each_name(state, [&](const std::string& fqn) {
          clash = !fqns.insert(fqn).second || clash;
        });
      }
    }
    out_.names.resize(stages_.size());
    for (size_t i = 0; clash && i < stages_.size(); ++i) {
      out_.names[i].prefix = "stage_" + std::to_string(i);
      const std::string prefix = out_.names[i].prefix + ".";
      Model& model = stages_[i];
      std::map<std::string, StateRecord> records;
      for (auto& [fqn, record] : model.records) {
        records.emplace(prefix + fqn, std::move(record));
      }
      model.records = std::move(records);
      for (ir::State& state : model.graph.states) {
        each_name(state, [&](std::string& fqn) { fqn.insert(0, prefix); });
        if (!state.memory.empty()) {
          state.memory.insert(0, prefix);
        }
      }
      for (ir::Mutation& mutation : model.graph.mutations) {
        mutation.fqn.insert(0, prefix);
      }
    }
  }

  std::vector<int> outputs_of(int stage) const {
    std::vector<int> out;
    for (size_t i = 0; i < out_.outputs.size(); ++i) {
      if (out_.outputs[i].stage == stage) {
        out.push_back(static_cast<int>(i));
      }
    }
    return out;
  }

  /// Matches the outputs of the previous stage with the current stage's inputs
  /// by position. Empty if an output has the name of an input.
  std::map<std::string, int> by_position() const {
    const auto& inputs = stages_[static_cast<size_t>(stage_)].graph.inputs;
    const std::vector<int> before = outputs_of(stage_ - 1);
    const bool named = std::ranges::any_of(inputs, [&](const auto& input) {
      return out_.find_output(stage_ - 1, input.name) >= 0;
    });
    if (named) {
      return {};
    }
    if (before.size() > inputs.size()) {
      throw input_error(
          path_of(stage_ - 1) + " has " +
          count_text(before.size(), "output", "outputs") + ", but " +
          path_of(stage_) + " has " +
          count_text(inputs.size(), "input", "inputs") +
          ", and no input has the name of an output; return a dict whose "
          "keys are the names of later stages' inputs");
    }
    std::map<std::string, int> out;
    for (size_t i = 0; i < before.size(); ++i) {
      out.emplace(inputs[i].name, before[i]);
    }
    return out;
  }

  /// The output that an input reads, as an index, or -1 for a model input.
  int source_of(
      const std::string& input, const std::map<std::string, int>& positions) {
    if (stage_ == 0) {
      return -1;
    }
    if (const auto found = positions.find(input); found != positions.end()) {
      return found->second;
    }
    for (int stage = stage_ - 1; stage >= 0; --stage) {
      if (const int output = out_.find_output(stage, input); output >= 0) {
        return output;
      }
    }
    return -1;
  }

  void join_inputs() {
    const auto positions =
        stage_ == 0 ? std::map<std::string, int>() : by_position();
    out_.symbols.begin_stage();
    std::vector<ChainedInput>& entries = out_.entries.emplace_back();
    for (const ir::Input& input : graph().inputs) {
      const ir::Value& value = graph().values[input.value];
      const int index = source_of(input.name, positions);
      entries.push_back({index, input.value, input.name});
      if (index >= 0) {
        ChainedOutput& output = out_.outputs[index];
        check_joint(
            {path_of(output.stage), output.output},
            output.type,
            output.tensor,
            input.name,
            value);
        output.last_reader = stage_;
      } else if (const ModelInput* shared = try_find_input(input.name)) {
        check_joint(
            {"another stage", shared->name},
            shared->type,
            shared->tensor,
            input.name,
            value);
      }
    }
    out_.symbols.rename(graph());
    out_.names[static_cast<size_t>(stage_)].symbols = out_.symbols.names();
    for (const ChainedInput& entry : entries) {
      if (entry.output < 0) {
        add_model_input(entry);
      }
    }
    rename_values();
  }

  const ModelInput* try_find_input(const std::string& name) const {
    const auto found = std::ranges::find(out_.inputs, name, &ModelInput::name);
    return found == out_.inputs.end() ? nullptr : &*found;
  }

  void add_model_input(const ChainedInput& entry) {
    if (try_find_input(entry.name) != nullptr) {
      return;
    }
    const ir::Value& value = graph().values[entry.value];
    const auto input =
        std::ranges::find(graph().inputs, entry.name, &ir::Input::name);
    out_.inputs.push_back(
        {entry.name,
         value.type,
         value.tensor.value_or(ir::TensorMeta{}),
         input->keyword || stage_ > 0});
  }

  /// The other end of a joint, for messages.
  struct Source {
    std::string path;
    std::string name;
  };

  void check_joint(
      const Source& source,
      const ir::Type& type,
      const ir::TensorMeta& tensor,
      const std::string& input,
      const ir::Value& value) {
    const ir::TensorMeta wanted = value.tensor.value_or(ir::TensorMeta{});
    const bool is_tensor = type.kind == ir::TypeKind::Tensor;
    bool fits = type.kind == value.type.kind;
    if (fits && is_tensor && tensor.known && wanted.known) {
      fits = tensor.dtype == wanted.dtype &&
             tensor.sizes.size() == wanted.sizes.size();
      for (size_t i = 0; fits && i < wanted.sizes.size(); ++i) {
        fits = out_.symbols.meet(tensor.sizes[i], wanted.sizes[i]);
      }
    }
    if (!fits) {
      throw input_error(
          path_of(stage_) + " expects '" + input + "' as " +
          describe_type(value.type, wanted) + ", but " + source.path +
          " has '" + source.name + "' as " + describe_type(type, tensor));
    }
  }

  /// Makes the names of the stage's values unique across stages. They seed
  /// random operators and appear in the manifest.
  void rename_values() {
    for (ir::Value& value : graph().values) {
      const std::string plain = value.name;
      while (!value_names_.insert(value.name).second) {
        value.name = value.name == plain
                         ? plain + "_stage" + std::to_string(stage_)
                         : value.name + "_";
      }
    }
  }

  void note_outputs() {
    for (const ir::Output& output : graph().outputs) {
      const auto* ref = std::get_if<ir::Ref>(&output.value.value);
      if (ref == nullptr) {
        if (!is_last(stage_) &&
            !std::holds_alternative<ir::None>(output.value.value)) {
          throw input_error(
              model().path + " returns '" + output.name +
              "' as a constant; stages can pass on only computed values");
        }
        continue;
      }
      const ir::Value& value = graph().values[ref->id];
      if (value.type.kind != ir::TypeKind::Tensor && !is_scalar(value)) {
        throw input_error(
            model().path + " returns '" + output.name + "' as " +
            describe_type(value.type, {}) +
            "; stages can pass on only tensors and numbers");
      }
      ChainedOutput chained;
      chained.stage = stage_;
      chained.output = output.name;
      chained.value = output.value;
      chained.name = value.name;
      const bool is_second_output = std::ranges::any_of(
          out_.outputs,
          [&](const ChainedOutput& each) { return each.name == chained.name; });
      while (is_second_output && !value_names_.insert(chained.name).second) {
        chained.name += "_";
      }
      chained.type = value.type;
      chained.tensor = value.tensor.value_or(ir::TensorMeta{});
      out_.outputs.push_back(std::move(chained));
    }
  }

  void mark_returned() {
    for (ChainedOutput& output : out_.outputs) {
      output.returned = is_last(output.stage) || output.last_reader < 0;
    }
  }

  std::vector<Model>& stages_;
  StageChain out_;
  int stage_ = 0;                      // the stage being joined
  std::set<std::string> value_names_;  // names in all stages so far
};

}  // namespace

int StageChain::find_output(int stage, const std::string& output) const {
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].stage == stage && outputs[i].output == output) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

StageChain chain_stages(std::vector<Model>& stages) {
  return Chainer(stages).run();
}

}  // namespace pp
