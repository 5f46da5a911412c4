#include "splitter/files/join_stages.h"

#include <algorithm>

#include "loader/core/error.h"
#include "loader/exported_program/internal.h"
#include "loader/exported_program/load.h"
#include "loader/ir/edit.h"
#include "loader/ir/lint.h"
#include "loader/ir/size_conditions.h"
#include "loader/ir/walk.h"
#include "loader/model/weights.h"
#include "splitter/chain/stage_chain.h"
#include "splitter/files/checkpoint_tensors.h"

namespace pp {

namespace {

/// A stage's record, with the file that holds it and a name that is unique
/// across stages.
StateRecord joined_record(
    const Model& stage, size_t index, StateRecord record) {
  if (!record.file && record.has_values()) {
    record.file = stage.archive->file();
  }
  const size_t name = record.record.rfind('/') + 1;
  record.record.insert(name, "stage_" + std::to_string(index) + "_");
  return record;
}

class Joiner {
 public:
  Joiner(const Assembly& assembly, const StageChain& chain)
      : assembly_(assembly), chain_(chain) {}

  JoinedStages run() {
    add_inputs();
    for (stage_ = 0; stage_ < assembly_.stages.size(); ++stage_) {
      map_inputs();
      add_values();
      add_states();
      note_unread_weights();
      add_nodes();
      pass_on();
    }
    chain_.symbols.pin(out_.graph);
    set_source();
    ir::lint(out_.graph, "the joined stages");
    return std::move(out_);
  }

 private:
  const Model& model() const { return assembly_.stages[stage_]; }
  const ir::Graph& graph() const { return model().graph; }
  const StageManifest& entry() const {
    return assembly_.manifest.stages[stage_];
  }
  const std::string& prefix() const { return chain_.names[stage_].prefix; }

  ir::ValueId& id_of(ir::ValueId id) { return ids_[static_cast<size_t>(id)]; }

  /// Adds the model's inputs. Each gets the type and sizes that the first stage
  /// to read it has.
  void add_inputs() {
    for (const ModelInput& input : assembly_.manifest.inputs) {
      ir::Value value;
      for (size_t i = 0; i < assembly_.stages.size(); ++i) {
        const auto& inputs = assembly_.manifest.stages[i].inputs;
        const auto found = std::ranges::find_if(inputs, [&](const auto& each) {
          return each.from_user && each.user_name == input.name;
        });
        if (found == inputs.end()) {
          continue;
        }
        const ir::Graph& stage = assembly_.stages[i].graph;
        const auto position = static_cast<size_t>(found - inputs.begin());
        value = stage.values.at(
            static_cast<size_t>(stage.inputs.at(position).value));
        break;
      }
      out_.graph.inputs.push_back(
          {input.name,
           ir::add_value(out_.graph, std::move(value)),
           input.keyword});
    }
  }

  void map_inputs() {
    ids_.assign(graph().values.size(), ir::kNoValue);
    size_t next = 0;
    for (size_t i = 0; i < entry().inputs.size(); ++i) {
      const StageInput& input = entry().inputs[i];
      const ir::ValueId own = graph().inputs[i].value;
      if (input.from_user) {
        const auto given = std::ranges::find(
            out_.graph.inputs, input.user_name, &ir::Input::name);
        check(given != out_.graph.inputs.end(), "the model has the input");
        id_of(own) = given->value;
        continue;
      }
      id_of(own) = passed_.at(next++);
      // This stage may know the sizes of the value even if the stage that
      // computed it doesn't (in a trace).
      const auto& expected = graph().values[static_cast<size_t>(own)].tensor;
      auto& given = out_.graph.values[static_cast<size_t>(id_of(own))].tensor;
      if (given && expected && !given->known && expected->known) {
        given = expected;
      }
    }
  }

  void add_values() {
    for (size_t i = 0; i < ids_.size(); ++i) {
      if (ids_[i] == ir::kNoValue) {
        ids_[i] = ir::add_value(out_.graph, graph().values[i]);
      }
    }
    for (const auto& [symbol, range] : graph().ranges) {
      ir::narrow(out_.graph.ranges.emplace(symbol, range).first->second, range);
    }
  }

  void add_states() {
    for (ir::State state : graph().states) {
      state.value = id_of(state.value);
      out_.source.records.emplace(
          state.fqn,
          joined_record(model(), stage_, model().records.at(state.fqn)));
      out_.graph.states.push_back(std::move(state));
    }
    for (ir::Mutation mutation : graph().mutations) {
      mutation.value = id_of(mutation.value);
      out_.graph.mutations.push_back(std::move(mutation));
    }
  }

  void add_nodes() {
    for (ir::Node node : graph().nodes) {
      ir::for_each_id(node, [&](ir::ValueId& id) {
        id = id == ir::kNoValue ? id : id_of(id);
      });
      put_below_prefix(node);
      out_.graph.nodes.push_back(std::move(node));
    }
  }

  // In TorchScript all tensors are states of the graph.
  void note_unread_weights() {
    if (model().format != ModelFormat::ExportedProgram) {
      return;
    }
    for (auto& [state, record] : unread_weights(model())) {
      if (!prefix().empty()) {
        state.fqn = prefix() + "." + state.fqn;
      }
      ir::Value value;
      value.name = "p_stage_" + std::to_string(stage_) + "_" + state.fqn;
      std::ranges::replace(value.name, '.', '_');
      while (ir::try_find_value(out_.graph, value.name) != ir::kNoValue) {
        value.name += "_";
      }
      value.tensor = record.tensor;
      out_.unread.push_back(
          {state, std::move(value), joined_record(model(), stage_, record)});
    }
  }

  /// Makes the stage's root a module of the model.
  void put_below_prefix(ir::Node& node) const {
    if (prefix().empty()) {
      return;
    }
    node.metadata.erase(ep::kRegion);  // it names modules without the prefix
    std::vector<ir::ModuleFrame> frames;
    for (ir::ModuleFrame& frame : node.modules) {
      const bool root = frame.fqn.empty();
      if (root) {
        frames.push_back(frame);
      }
      frame.fqn = root ? prefix() : prefix() + "." + frame.fqn;
      frame.key = prefix() + "." + frame.key;
      frames.push_back(std::move(frame));
    }
    node.modules = std::move(frames);
  }

  void pass_on() {
    const bool last = stage_ + 1 == assembly_.stages.size();
    passed_.clear();
    for (size_t i = 0; i < entry().outputs.size(); ++i) {
      const StageOutput& output = entry().outputs[i];
      ir::Arg value = graph().outputs[i].value;
      ir::for_each_ref(value, [&](ir::ValueId& id) { id = id_of(id); });
      if (last) {
        out_.whole_output = out_.whole_output && !output.relayed;
        out_.graph.outputs.push_back({output.model_output, std::move(value)});
      } else {
        passed_.push_back(std::get<ir::Ref>(value.value).id);
      }
    }
  }

  void set_source() {
    const Model& first = assembly_.stages.front();
    Model& source = out_.source;
    source.path = first.path;
    source.format = first.format;
    source.archive = first.archive;
    source.graph = out_.graph;
    // The writer keeps the structure of the first file's arguments if the first
    // stage has all inputs.
    std::erase_if(source.graph.inputs, [&](const ir::Input& input) {
      const auto& inputs = assembly_.manifest.stages.front().inputs;
      return std::ranges::none_of(inputs, [&](const StageInput& each) {
        return each.user_name == input.name;
      });
    });
    note_lost_guards();
    if (first.format == ModelFormat::TorchScript) {
      source.details = assembly_.stages.back().details;
      return;
    }
    std::vector<ProgramPart> parts;
    for (size_t i = 0; i < assembly_.stages.size(); ++i) {
      parts.push_back(
          {&assembly_.stages[i],
           chain_.names[i].prefix,
           chain_.names[i].symbols});
    }
    source.details = join_details(parts, assembly_.manifest.guards);
  }

  /// Collects the guards that the joined file can't state: a file's guards
  /// refer to its inputs only, by their paths in the first stage's arguments.
  void note_lost_guards() {
    if (out_.source.graph.inputs.size() != out_.graph.inputs.size()) {
      out_.lost_guards = assembly_.manifest.guards;
    }
    for (const StageManifest& stage : assembly_.manifest.stages) {
      out_.lost_guards.insert(
          out_.lost_guards.end(), stage.guards.begin(), stage.guards.end());
    }
  }

  const Assembly& assembly_;
  const StageChain& chain_;
  JoinedStages out_;
  size_t stage_ = 0;
  std::vector<ir::ValueId> ids_;     // joined id of each of the stage's values
  std::vector<ir::ValueId> passed_;  // outputs of the stage before, joined ids
};

}  // namespace

JoinedStages join_stages(std::vector<Model> stages) {
  const Model& first = stages.front();
  for (const Model& stage : stages) {
    if (stage.format != first.format) {
      throw usage_error(
          first.path + " and " + stage.path +
          " have different formats, but a model file has only one; export all "
          "stages as .pt2, or trace or script all of them");
    }
  }
  const StageChain chain = chain_stages(stages);
  const Assembly assembly = assemble_chain(std::move(stages), chain);
  return Joiner(assembly, chain).run();
}

JoinedStages join_directory(
    const std::filesystem::path& directory,
    const Manifest& manifest,
    const ModelFormats& formats) {
  std::vector<Model> files;
  for (const StageManifest& stage : manifest.stages) {
    files.push_back(load_model(directory / stage.file, formats));
  }
  return join_stages(std::move(files));
}

void bind_checkpoint(
    JoinedStages& joined,
    const std::filesystem::path& checkpoint,
    CheckpointWeights which) {
  if (which == CheckpointWeights::Averages) {
    throw usage_error(
        "--ema is not yet supported for stages that were exported by hand");
  }
  // Throws if it isn't a checkpoint.
  const CheckpointTensors checked(checkpoint, which);
  std::vector<ir::Input> inputs = std::move(joined.source.graph.inputs);
  joined.source.graph = joined.graph;
  bind_weights({&joined.source, 1}, checkpoint / "part_*.safetensors");
  joined.graph = joined.source.graph;
  joined.source.graph.inputs = std::move(inputs);
}

void add_unread_weights(JoinedStages& joined) {
  for (UnreadWeight& weight : joined.unread) {
    const auto [found, is_new] =
        joined.source.records.emplace(weight.state.fqn, weight.record);
    if (is_new) {
      weight.state.value = ir::add_value(joined.graph, weight.value);
      joined.graph.states.push_back(weight.state);
    }
  }
  joined.unread.clear();
}

void write_joined(
    const std::filesystem::path& path,
    const JoinedStages& joined,
    const ModelFormats& formats) {
  write_graph(
      path,
      joined.graph,
      joined.source,
      joined.whole_output,
      Sync::Now,
      formats);
}

}  // namespace pp
