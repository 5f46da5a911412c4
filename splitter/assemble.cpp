#include "splitter/assemble.h"

#include <algorithm>
#include <set>

#include "loader/core/error.h"
#include "loader/ir/lint.h"
#include "loader/ir/walk.h"
#include "splitter/flops.h"
#include "splitter/joint_symbols.h"
#include "splitter/modules.h"
#include "splitter/operators.h"
#include "splitter/type_text.h"

namespace pp {

namespace {

/// An output of a stage that later stages, or the model's caller, get.
struct Live {
  int stage = 0;
  std::string output;  ///< as the stage calls it
  ir::Arg value;       ///< in the stage's graph
  std::string name;    ///< over all stages
  ir::Type type;
  ir::TensorMeta tensor;
  int last_reader = -1;  ///< the last stage that takes it
  bool returned = false;
};

/// Where an input of a stage comes from.
struct Entry {
  int live = -1;  ///< -1: a model input
  ir::ValueId value = ir::kNoValue;
  std::string name;  ///< as the stage calls it
};

std::string quoted(const std::string& name) {
  return "'" + name + "'";
}

class Assembler {
 public:
  explicit Assembler(std::vector<Model> stages) {
    out_.stages = std::move(stages);
    check(!out_.stages.empty(), "there is a stage to assemble");
  }

  Assembly run() {
    separate_states();
    for (size_t i = 0; i < out_.stages.size(); ++i) {
      stage_ = static_cast<int>(i);
      join_inputs();
      note_outputs();
    }
    mark_returned();
    out_.manifest.format = out_.stages.front().format;
    for (size_t i = 0; i < out_.stages.size(); ++i) {
      stage_ = static_cast<int>(i);
      rebuild();
    }
    describe_outputs();
    for (ModelInput& input : out_.manifest.inputs) {
      symbols_.pin(input.tensor);
    }
    return std::move(out_);
  }

 private:
  Model& model() { return out_.stages[static_cast<size_t>(stage_)]; }
  ir::Graph& graph() { return model().graph; }
  bool is_last(int stage) const {
    return stage + 1 == static_cast<int>(out_.stages.size());
  }
  const std::string& path_of(int stage) const {
    return out_.stages[static_cast<size_t>(stage)].path;
  }

  /// One FQN in two stages is two parameters: nothing says they are one.
  void separate_states() {
    std::set<std::string> seen;
    bool clash = false;
    const auto each_name = [](ir::State& state, const auto& visit) {
      visit(state.fqn);
      std::ranges::for_each(state.aliases, visit);
    };
    for (Model& model : out_.stages) {
      for (ir::State& state : model.graph.states) {
        each_name(state, [&](const std::string& fqn) {
          clash = !seen.insert(fqn).second || clash;
        });
      }
    }
    for (size_t i = 0; clash && i < out_.stages.size(); ++i) {
      const std::string prefix = "stage_" + std::to_string(i) + ".";
      Model& model = out_.stages[i];
      std::map<std::string, StateRecord> records;
      for (auto& [fqn, record] : model.records) {
        records.emplace(prefix + fqn, std::move(record));
      }
      model.records = std::move(records);
      for (ir::State& state : model.graph.states) {
        each_name(state, [&](std::string& fqn) { fqn.insert(0, prefix); });
      }
      for (ir::Mutation& mutation : model.graph.mutations) {
        mutation.fqn.insert(0, prefix);
      }
    }
  }

  int find_live(int stage, const std::string& output) const {
    for (size_t i = 0; i < lives_.size(); ++i) {
      if (lives_[i].stage == stage && lives_[i].output == output) {
        return static_cast<int>(i);
      }
    }
    return -1;
  }

  std::vector<int> lives_of(int stage) const {
    std::vector<int> out;
    for (size_t i = 0; i < lives_.size(); ++i) {
      if (lives_[i].stage == stage) {
        out.push_back(static_cast<int>(i));
      }
    }
    return out;
  }

  /// Takes the outputs of the stage before by position; none if one of them
  /// has the name of an input.
  std::map<std::string, int> by_position() const {
    const auto& inputs = out_.stages[static_cast<size_t>(stage_)].graph.inputs;
    const std::vector<int> before = lives_of(stage_ - 1);
    const bool named = std::ranges::any_of(inputs, [&](const auto& input) {
      return find_live(stage_ - 1, input.name) >= 0;
    });
    if (named) {
      return {};
    }
    if (before.size() > inputs.size()) {
      throw input_error(
          path_of(stage_ - 1) + " gives " + std::to_string(before.size()) +
          " outputs, and " + path_of(stage_) + " takes " +
          std::to_string(inputs.size()) +
          " inputs, none by the name of an output; return a dict whose keys "
          "are the names of inputs of later stages");
    }
    std::map<std::string, int> out;
    for (size_t i = 0; i < before.size(); ++i) {
      out.emplace(inputs[i].name, before[i]);
    }
    return out;
  }

  int source_of(
      const std::string& input, const std::map<std::string, int>& positions) {
    if (stage_ == 0) {
      return -1;
    }
    if (const auto found = positions.find(input); found != positions.end()) {
      return found->second;
    }
    for (int stage = stage_ - 1; stage >= 0; --stage) {
      if (const int live = find_live(stage, input); live >= 0) {
        return live;
      }
    }
    return -1;
  }

  void join_inputs() {
    const auto positions =
        stage_ == 0 ? std::map<std::string, int>() : by_position();
    symbols_.begin_stage();
    std::vector<Entry>& entries = entries_.emplace_back();
    for (const ir::Input& input : graph().inputs) {
      const ir::Value& value = graph().values[input.value];
      const int live = source_of(input.name, positions);
      entries.push_back({live, input.value, input.name});
      if (live >= 0) {
        check_joint(
            {path_of(lives_[live].stage), lives_[live].output},
            lives_[live].type,
            lives_[live].tensor,
            input.name,
            value);
        lives_[live].last_reader = stage_;
      } else if (const ModelInput* known = try_find_input(input.name)) {
        check_joint(
            {"another stage", known->name},
            known->type,
            known->tensor,
            input.name,
            value);
      }
    }
    symbols_.rename(graph());
    for (const Entry& entry : entries) {
      if (entry.live < 0) {
        add_model_input(entry);
      }
    }
    rename_values();
  }

  const ModelInput* try_find_input(const std::string& name) const {
    const auto found =
        std::ranges::find(out_.manifest.inputs, name, &ModelInput::name);
    return found == out_.manifest.inputs.end() ? nullptr : &*found;
  }

  void add_model_input(const Entry& entry) {
    if (try_find_input(entry.name) != nullptr) {
      return;
    }
    const ir::Value& value = graph().values[entry.value];
    const auto input =
        std::ranges::find(graph().inputs, entry.name, &ir::Input::name);
    out_.manifest.inputs.push_back(
        {entry.name,
         value.type,
         value.tensor.value_or(ir::TensorMeta{}),
         input->keyword || stage_ > 0});
  }

  struct Giver {
    std::string path;
    std::string name;
  };

  void check_joint(
      const Giver& giver,
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
        fits = symbols_.meet(tensor.sizes[i], wanted.sizes[i]);
      }
    }
    if (!fits) {
      throw input_error(
          path_of(stage_) + " takes " + quoted(input) + " as " +
          describe_type(value.type, wanted) + ", and " + giver.path + " has " +
          quoted(giver.name) + " as " + describe_type(type, tensor));
    }
  }

  /// Names of values seed random operators and stand in the manifest.
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
              model().path + " gives " + quoted(output.name) +
              ", which is not a tensor or number, to the stages behind it");
        }
        continue;
      }
      const ir::Value& value = graph().values[ref->id];
      if (value.type.kind != ir::TypeKind::Tensor && !is_scalar(value)) {
        throw input_error(
            model().path + " gives " + quoted(output.name) + " as " +
            describe_type(value.type, {}) +
            "; only tensors and numbers go from stage to stage");
      }
      Live live;
      live.stage = stage_;
      live.output = output.name;
      live.value = output.value;
      live.name = value.name;
      const bool again = std::ranges::any_of(
          lives_, [&](const Live& each) { return each.name == live.name; });
      while (again && !value_names_.insert(live.name).second) {
        live.name += "_";
      }
      live.type = value.type;
      live.tensor = value.tensor.value_or(ir::TensorMeta{});
      lives_.push_back(std::move(live));
    }
  }

  void mark_returned() {
    for (Live& live : lives_) {
      live.returned = is_last(live.stage) || live.last_reader < 0;
    }
  }

  /// Whether a value goes from `stage` to the next.
  bool crosses(const Live& live, int stage) const {
    return live.stage <= stage && !is_last(stage) &&
           (live.returned || live.last_reader > stage);
  }

  /// What a stage gets, in order: its own inputs', then what it passes on.
  std::vector<int> received(int stage) const {
    std::vector<int> out;
    if (stage == 0) {
      return out;
    }
    for (const Entry& entry : entries_[static_cast<size_t>(stage)]) {
      if (entry.live >= 0) {
        out.push_back(entry.live);
      }
    }
    for (size_t i = 0; i < lives_.size(); ++i) {
      const int live = static_cast<int>(i);
      if (crosses(lives_[i], stage - 1) &&
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
    const auto& entries = entries_[static_cast<size_t>(stage_)];
    for (const int id : taken) {
      const auto own = std::ranges::find(entries, id, &Entry::live);
      const Live& live = lives_[id];
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
        while (std::ranges::find(entries, name, &Entry::name) !=
               entries.end()) {
          name += "_";
        }
        inputs.push_back({name, here[id], false});
      }
      entry.inputs.push_back({live.name, false, {}, live.type, contract});
    }
    for (const Entry& each : entries) {
      if (each.live < 0) {
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
      symbols_.pin(input.tensor);
    }
    describe(entry);
    ir::lint(graph(), model().path);
    out_.manifest.stages.push_back(std::move(entry));
    if (stage_ > 0) {
      out_.manifest.cuts.push_back("stage " + std::to_string(stage_));
    }
  }

  ir::ValueId add_relay(const Live& live) {
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
      const Live& live = lives_[id];
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
        add(id, true, lives_[id].name);
      }
      return;
    }
    std::set<std::string> names;
    for (const ir::Output& output : own) {
      names.insert(output.name);
      if (const int id = find_live(stage_, output.name); id >= 0) {
        add(id, false, output.name);
        continue;
      }
      StageOutput constant;
      constant.model_output = output.name;
      constant.type.kind = ir::TypeKind::None;
      entry.outputs.push_back(std::move(constant));
      graph().outputs.push_back(output);
    }
    for (size_t i = 0; i < lives_.size(); ++i) {
      if (lives_[i].returned && lives_[i].stage != stage_) {
        std::string name = lives_[i].output;
        if (!names.insert(name).second) {
          name = "stage_" + std::to_string(lives_[i].stage) + "." + name;
          names.insert(name);
        }
        add(static_cast<int>(i), false, name);
      }
    }
  }

  void describe(StageManifest& entry) {
    for (const auto& [fqn, span] : module_spans(graph())) {
      if (fqn.find('.') == std::string::npos) {
        entry.modules.push_back(fqn);
      }
    }
    for (const ir::State& state : graph().states) {
      const ir::Value& value = graph().values[state.value];
      if (state.kind == ir::StateKind::Parameter) {
        entry.parameters.push_back(state.fqn);
        entry.num_parameters +=
            num_elements(value.tensor.value_or(ir::TensorMeta{}));
        entry.parameter_bytes += num_bytes(value);
      } else if (state.kind == ir::StateKind::Buffer) {
        entry.buffers.push_back(state.fqn);
      }
    }
    for (const ir::Node& node : graph().nodes) {
      entry.flops += flops(graph(), node);
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

  void describe_outputs() {
    for (const StageOutput& output : out_.manifest.stages.back().outputs) {
      out_.manifest.outputs.push_back(
          {output.model_output, output.type, output.tensor});
    }
  }

  Assembly out_;
  int stage_ = 0;
  JointSymbols symbols_;
  std::set<std::string> value_names_;
  std::vector<Live> lives_;
  std::vector<std::vector<Entry>> entries_;  // by stage
};

}  // namespace

Assembly assemble(std::vector<Model> stages) {
  return Assembler(std::move(stages)).run();
}

}  // namespace pp
