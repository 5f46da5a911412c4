#include "loader/exported_program/load.h"

#include <algorithm>
#include <set>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/exported_program/guards.h"
#include "loader/exported_program/internal.h"
#include "loader/exported_program/reader.h"
#include "loader/exported_program/states.h"
#include "loader/exported_program/tree.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

using ep::Json;

constexpr int64_t kSchemaMajor = 8;

/// Lists the NAME of every record "models/NAME.json".
std::vector<std::string> model_names(const ZipReader& archive) {
  constexpr std::string_view kSuffix = ".json";
  const std::string prefix = ep::kModels;
  std::vector<std::string> out;
  for (const ZipRecord& record : archive.records()) {
    if (record.name.starts_with(prefix) && record.name.ends_with(kSuffix)) {
      out.push_back(record.name.substr(
          prefix.size(), record.name.size() - prefix.size() - kSuffix.size()));
    }
  }
  return out;
}

std::string only_model(const ZipReader& archive) {
  const auto names = model_names(archive);
  if (names.size() > 1 && std::ranges::find(names, "model") == names.end()) {
    throw input_error(
        archive.path().string() + ": holds several models (" + join(names) +
        "), none of them called 'model'; save one model with "
        "torch.export.save");
  }
  return names.size() > 1 ? "model" : names.at(0);
}

/// Reads the document of one model, part by part.
class ProgramReader {
 public:
  ProgramReader(
      const std::shared_ptr<const ZipReader>& archive, const std::string& name)
      : record_(ep::kModels + name + ".json"),
        fields_(
            archive->text(record_), archive->path().string() + ": " + record_),
        archive_(archive),
        details_(std::make_shared<ep::Details>()),
        states_(
            *archive, (check_version(), ep::read_payloads(*archive, name))) {
    details_->model_name = name;
    details_->graph_record = record_;
  }

  Model read() {
    const Json& module = fields_.object_at(fields_.root(), "graph_module");
    const Json& graph = fields_.object_at(module, "graph");
    ep::GraphReader reader(graph, fields_, details_->expressions);
    read_module_calls(module);
    read_inputs(module, graph, reader);
    reader.read_nodes();
    reader.graph().states = std::move(states_.states());
    read_outputs(module, graph, reader);
    read_ranges(reader.graph());
    read_names(reader.graph());
    for (size_t i = 0; i < details_->guard_inputs.size(); ++i) {
      details_->guard_inputs[i].name = reader.graph().inputs[i].name;
    }
    reader.graph().guards = ep::read_guards(fields_, details_->guard_inputs);

    Model model;
    model.path = archive_->path().string();
    model.format = ModelFormat::ExportedProgram;
    model.records = std::move(records_);
    model.graph = std::move(reader.graph());
    model.archive = archive_;
    keep_document();
    model.details = details_;
    return model;
  }

 private:
  void check_version() {
    const Json& version = fields_.object_at(fields_.root(), "schema_version");
    const int64_t major = fields_.integer_at(version, "major");
    if (major == kSchemaMajor) {
      return;
    }
    const std::string found =
        std::to_string(major) + "." +
        std::to_string(fields_.integer_at(version, "minor"));
    fields_.fail(
        "schema version " + found + " is " +
        (major > kSchemaMajor ? "newer" : "older") +
        " than the supported 8.x; " +
        (major > kSchemaMajor
             ? "export the model with an earlier torch (2.11 to 2.15)"
             : "export the model again with torch 2.11 or newer"));
  }

  void read_module_calls(const Json& module) {
    for (const Json& entry : fields_.array_at(module, "module_call_graph")) {
      const std::string& fqn = fields_.text_at(entry, "fqn");
      details_->module_fqns.push_back(fqn);
      const Json* signature = fields_.try_at(entry, "signature");
      if (fqn.empty() && signature != nullptr) {
        details_->in_spec = fields_.text_at(*signature, "in_spec");
        details_->out_spec = fields_.text_at(*signature, "out_spec");
        if (const Json* names =
                fields_.try_at(*signature, "forward_arg_names")) {
          details_->forward_arg_names = *names;
        }
      }
    }
    if (details_->in_spec.empty() || details_->out_spec.empty()) {
      fields_.fail("'module_call_graph' has no signature of the root module");
    }
  }

  void read_inputs(
      const Json& module, const Json& graph, ep::GraphReader& reader) {
    const Json& input_specs =
        fields_.array_at(fields_.object_at(module, "signature"), "input_specs");
    const Json& inputs = fields_.array_at(graph, "inputs");
    if (input_specs.size() != inputs.size()) {
      fields_.fail(
          "the signature has " + std::to_string(input_specs.size()) +
          " inputs, but the graph has " + std::to_string(inputs.size()));
    }
    for (size_t i = 0; i < input_specs.size(); ++i) {
      fields_.set_place("input " + std::to_string(i));
      read_input(input_specs[i], inputs[i], reader);
    }
    fields_.set_place("");
    name_inputs(module, reader.graph());
    states_.finish(*details_);
    records_ = states_.records();
  }

  void read_input(
      const Json& spec, const Json& input, ep::GraphReader& reader) {
    const auto [kind, value] = fields_.one_of(spec);
    if (kind == "parameter") {
      add_state(value, "parameter_name", ir::StateKind::Parameter, reader);
    } else if (kind == "buffer") {
      add_state(value, "buffer_name", ir::StateKind::Buffer, reader);
    } else if (kind == "tensor_constant") {
      add_state(value, "tensor_constant_name", ir::StateKind::Constant, reader);
    } else if (kind == "constant_input") {
      details_->user_inputs.push_back(
          {fields_.text_at(value, "name"), fields_.at(value, "value")});
    } else if (kind == "user_input") {
      const std::string* name = ep::try_value_name(input, fields_);
      if (name == nullptr) {
        // Older minor versions store a constant without its name.
        details_->user_inputs.push_back({"", input});
        return;
      }
      details_->user_inputs.push_back({*name, Json()});
      reader.graph().inputs.push_back({*name, reader.define(*name), false});
    } else if (kind == "custom_obj") {
      fields_.fail(
          "'" + fields_.text_at(value, "custom_obj_name") +
          "' is a custom object; only tensors are supported");
    } else {
      fields_.fail("inputs of kind '" + kind + "' are not supported");
    }
  }

  void add_state(
      const Json& spec,
      const char* fqn_key,
      ir::StateKind kind,
      ep::GraphReader& reader) {
    const std::string& name =
        fields_.text_at(fields_.object_at(spec, "arg"), "name");
    const bool persistent =
        kind != ir::StateKind::Buffer || fields_.boolean_at(spec, "persistent");
    const auto [position, is_new] =
        states_.add(fields_.text_at(spec, fqn_key), kind, persistent, fields_);
    ir::State& state = states_.states()[position];
    if (is_new) {
      state.value = reader.define(name);
    } else {
      // A tied parameter has a name for each of its FQNs; all name one value.
      reader.bind(name, state.value);
    }
  }

  // Names inputs by the tree of (args, kwargs): an argument by its name in
  // forward, a leaf of a nested argument by its path ("options.gain").
  void name_inputs(const Json& module, ir::Graph& graph) {
    const auto leaves = ep::leaves_of(
        details_->in_spec,
        fields_.try_at(module, "treespec_namedtuple_fields"),
        fields_);
    if (leaves.size() != details_->user_inputs.size()) {
      fields_.fail(
          "the tree of arguments has " + std::to_string(leaves.size()) +
          " leaves, but the signature has " +
          std::to_string(details_->user_inputs.size()) + " inputs");
    }
    std::set<std::string> taken;
    size_t next = 0;
    for (size_t i = 0; i < leaves.size(); ++i) {
      if (!details_->user_inputs[i].constant.is_null()) {
        continue;
      }
      ir::Input& input = graph.inputs[next++];
      input.keyword = leaves[i].size() > 1 && leaves[i][0].key == "1";
      std::string name = argument_name(leaves[i]);
      input.name = !name.empty() && taken.insert(name).second ? std::move(name)
                                                              : input.name;
      taken.insert(input.name);
      details_->guard_inputs.push_back({root_name(leaves[i]), leaves[i], {}});
    }
  }

  /// The name of the argument of forward that a leaf belongs to; empty if the
  /// tree doesn't give it.
  std::string root_name(const ep::TreePath& leaf) const {
    if (leaf.size() < 2) {
      return {};
    }
    if (leaf[1].named) {
      return leaf[1].key;
    }
    const Json& names = details_->forward_arg_names;
    const size_t position = std::stoul(leaf[1].key);
    return names.is_array() && position < names.size() &&
                   names[position].is_string()
               ? names[position].get<std::string>()
               : "";
  }

  /// The argument's name; empty if the tree doesn't give it.
  std::string argument_name(const ep::TreePath& leaf) const {
    std::string out = root_name(leaf);
    if (out.empty()) {
      return {};
    }
    for (size_t i = 2; i < leaf.size(); ++i) {
      out += "." + leaf[i].key;
    }
    return out;
  }

  void read_outputs(
      const Json& module, const Json& json, ep::GraphReader& reader) {
    const Json& output_specs = fields_.array_at(
        fields_.object_at(module, "signature"), "output_specs");
    const Json& outputs = fields_.array_at(json, "outputs");
    if (output_specs.size() != outputs.size()) {
      fields_.fail(
          "the signature has " + std::to_string(output_specs.size()) +
          " outputs, but the graph has " + std::to_string(outputs.size()));
    }
    ir::Graph& graph = reader.graph();
    for (size_t i = 0; i < output_specs.size(); ++i) {
      fields_.set_place("output " + std::to_string(i));
      const auto [kind, value] = fields_.one_of(output_specs[i]);
      if (kind == "user_output") {
        graph.outputs.push_back({"", reader.read_argument(outputs[i])});
      } else if (kind == "buffer_mutation") {
        const std::string& fqn = fields_.text_at(value, "buffer_name");
        const int state = ir::try_find_state(graph, fqn);
        graph.mutations.push_back(
            {state < 0 ? fqn : graph.states[static_cast<size_t>(state)].fqn,
             reader.find(
                 fields_.text_at(fields_.object_at(value, "arg"), "name"))});
      } else if (kind == "user_input_mutation") {
        fields_.fail(
            "the model mutates its input '" +
            fields_.text_at(value, "user_input_name") +
            "', which is not supported; clone it in forward");
      } else {
        fields_.fail("outputs of kind '" + kind + "' are not supported");
      }
    }
    fields_.set_place("");
    name_outputs(module, graph);
  }

  void name_outputs(const Json& module, ir::Graph& graph) {
    const auto leaves = ep::leaves_of(
        details_->out_spec,
        fields_.try_at(module, "treespec_namedtuple_fields"),
        fields_);
    if (leaves.size() != graph.outputs.size()) {
      fields_.fail(
          "the tree of results has " + std::to_string(leaves.size()) +
          " leaves, but the graph has " + std::to_string(graph.outputs.size()) +
          " outputs");
    }
    const auto names = ep::output_names(leaves);
    for (size_t i = 0; i < names.size(); ++i) {
      graph.outputs[i].name = names[i];
    }
  }

  void read_ranges(ir::Graph& graph) {
    const Json* ranges = fields_.try_at(fields_.root(), "range_constraints");
    if (ranges == nullptr) {
      return;
    }
    for (const auto& [symbol, bounds] : fields_.object(*ranges).items()) {
      ir::Range range;
      if (const Json* min = fields_.try_at(bounds, "min_val")) {
        range.min = fields_.integer(*min);
      }
      if (const Json* max = fields_.try_at(bounds, "max_val")) {
        range.max = fields_.integer(*max);
      }
      graph.ranges[symbol] = range;
    }
  }

  // Files that pp wrote store the names that the trees can't express.
  void read_names(ir::Graph& graph) {
    if (!archive_->has(ep::kNamesRecord)) {
      return;
    }
    const JsonFields fields(
        archive_->text(ep::kNamesRecord),
        archive_->path().string() + ": " + ep::kNamesRecord);
    const auto rename = [&](const char* key, auto& list) {
      const Json& names = fields.array_at(fields.root(), key);
      if (names.size() != list.size()) {
        fields.fail(
            "has " + std::to_string(names.size()) + " " + key +
            ", but the graph has " + std::to_string(list.size()));
      }
      for (size_t i = 0; i < list.size(); ++i) {
        list[i].name = fields.text(names[i]);
      }
    };
    rename("inputs", graph.inputs);
    rename("outputs", graph.outputs);
  }

  /// Keeps the parts of the document that the writer copies.
  void keep_document() {
    details_->program = fields_.take_root();
    Json& module = details_->program["graph_module"];
    module.erase("graph");
    module.erase("signature");
    module.erase("module_call_graph");
  }

  std::string record_;
  JsonFields fields_;
  std::shared_ptr<const ZipReader> archive_;
  std::shared_ptr<ep::Details> details_;
  ep::StateCollector states_;
  std::map<std::string, StateRecord> records_;
};

}  // namespace

bool is_exported_program(const ZipReader& archive) {
  return !model_names(archive).empty();
}

// FormatRow::load prescribes this type.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
Model load_exported_program(std::shared_ptr<const ZipReader> archive) {
  check(is_exported_program(*archive), "this is an ExportedProgram archive");
  return ProgramReader(archive, only_model(*archive)).read();
}

std::optional<ZipReader> sample_inputs_archive(const Model& model) {
  const auto details =
      std::dynamic_pointer_cast<const ep::Details>(model.details);
  if (!details) {
    return std::nullopt;
  }
  const ZipRecord* record =
      model.archive->try_find(ep::kSampleInputs + details->model_name + ".pt");
  if (record == nullptr || record->num_bytes == 0) {
    return std::nullopt;
  }
  return ZipReader::nested(*model.archive, *record);
}

std::optional<PickleValue> sample_inputs(const Model& model) {
  const auto archive = sample_inputs_archive(model);
  return archive ? std::optional(read_pickle(*archive)) : std::nullopt;
}

}  // namespace pp
