#include "loader/formats/exported_program.h"

#include <algorithm>
#include <set>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/formats/exported_program_details.h"
#include "loader/formats/exported_program_reader.h"
#include "loader/formats/exported_program_states.h"
#include "loader/formats/exported_program_tree.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

using ep::Json;

constexpr int64_t kSchemaMajor = 8;

/// NAME of every record "models/NAME.json".
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
        ") and none is called 'model'; save one with torch.export.save");
  }
  return names.size() > 1 ? "model" : names.at(0);
}

/// Reads the document of one model, part by part.
class ProgramReader {
 public:
  ProgramReader(
      const std::shared_ptr<const ZipReader>& archive, const std::string& name)
      : record_(ep::kModels + name + ".json"),
        where_(archive->path().string() + ": " + record_),
        document_(parse_json(archive->text(record_), where_)),
        fields_(where_),
        archive_(archive),
        details_(std::make_shared<ep::Details>()),
        states_(
            *archive, (check_version(), ep::read_payloads(*archive, name))) {
    details_->model_name = name;
    details_->graph_record = record_;
  }

  Model read() {
    const Json& module = fields_.object(document_, "graph_module");
    const Json& graph = fields_.object(module, "graph");
    ep::GraphReader reader(graph, fields_, details_->expressions);
    read_module_calls(module);
    read_inputs(module, graph, reader);
    reader.read_nodes();
    reader.graph().states = std::move(states_.states());
    read_outputs(module, graph, reader);
    read_ranges(reader.graph());
    read_names(reader.graph());

    Model model;
    model.path = archive_->path().string();
    model.format = ModelFormat::ExportedProgram;
    model.records = std::move(records_);
    model.graph = std::move(reader.graph());
    model.archive = archive_;
    keep_document();
    model.details = details_;
    model.notes = states_.notes();
    return model;
  }

 private:
  void check_version() {
    const Json& version = fields_.object(document_, "schema_version");
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
        " than the 8.x that is read; " +
        (major > kSchemaMajor
             ? "export the model with an earlier torch (2.11 to 2.15)"
             : "export the model again with torch 2.11 or newer"));
  }

  void read_module_calls(const Json& module) {
    for (const Json& entry : fields_.array(module, "module_call_graph")) {
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
    const Json& specs =
        fields_.array(fields_.object(module, "signature"), "input_specs");
    const Json& inputs = fields_.array(graph, "inputs");
    if (specs.size() != inputs.size()) {
      fields_.fail(
          "the signature has " + std::to_string(specs.size()) +
          " inputs, the graph " + std::to_string(inputs.size()));
    }
    for (size_t i = 0; i < specs.size(); ++i) {
      fields_.set_place("input " + std::to_string(i));
      read_input(specs[i], inputs[i], reader);
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
        // A constant that an older minor version stores without its name.
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
        fields_.text_at(fields_.object(spec, "arg"), "name");
    const bool persistent =
        kind != ir::StateKind::Buffer || fields_.boolean_at(spec, "persistent");
    const auto [position, is_new] =
        states_.add(fields_.text_at(spec, fqn_key), kind, persistent, fields_);
    ir::State& state = states_.states()[position];
    if (is_new) {
      state.value = reader.define(name);
    } else {
      // A tied parameter has a name for each of its FQNs; all mean one value.
      reader.bind(name, state.value);
    }
  }

  // By the tree of (args, kwargs): an argument by its name in forward, a leaf
  // of a nested one by the way to it ("options.gain").
  void name_inputs(const Json& module, ir::Graph& graph) {
    const auto leaves = ep::leaves_of(
        details_->in_spec,
        fields_.try_at(module, "treespec_namedtuple_fields"),
        fields_);
    if (leaves.size() != details_->user_inputs.size()) {
      fields_.fail(
          "the tree of arguments has " + std::to_string(leaves.size()) +
          " leaves, the signature " +
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
    }
  }

  /// Empty if the tree does not say.
  std::string argument_name(const ep::TreePath& leaf) const {
    if (leaf.size() < 2) {
      return {};
    }
    std::string out;
    if (leaf[1].named) {
      out = leaf[1].key;
    } else {
      const Json& names = details_->forward_arg_names;
      const size_t position = std::stoul(leaf[1].key);
      if (!names.is_array() || position >= names.size() ||
          !names[position].is_string()) {
        return {};
      }
      out = names[position].get<std::string>();
    }
    for (size_t i = 2; i < leaf.size(); ++i) {
      out += "." + leaf[i].key;
    }
    return out;
  }

  void read_outputs(
      const Json& module, const Json& json, ep::GraphReader& reader) {
    const Json& specs =
        fields_.array(fields_.object(module, "signature"), "output_specs");
    const Json& outputs = fields_.array(json, "outputs");
    if (specs.size() != outputs.size()) {
      fields_.fail(
          "the signature has " + std::to_string(specs.size()) +
          " outputs, the graph " + std::to_string(outputs.size()));
    }
    ir::Graph& graph = reader.graph();
    for (size_t i = 0; i < specs.size(); ++i) {
      fields_.set_place("output " + std::to_string(i));
      const auto [kind, value] = fields_.one_of(specs[i]);
      if (kind == "user_output") {
        graph.outputs.push_back({"", reader.read_argument(outputs[i])});
      } else if (kind == "buffer_mutation") {
        const std::string& fqn = fields_.text_at(value, "buffer_name");
        const int state = ir::try_find_state(graph, fqn);
        graph.mutations.push_back(
            {state < 0 ? fqn : graph.states[static_cast<size_t>(state)].fqn,
             reader.find(
                 fields_.text_at(fields_.object(value, "arg"), "name"))});
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
          " leaves, the graph " + std::to_string(graph.outputs.size()) +
          " outputs");
    }
    const auto names = ep::output_names(leaves);
    for (size_t i = 0; i < names.size(); ++i) {
      graph.outputs[i].name = names[i];
    }
  }

  void read_ranges(ir::Graph& graph) {
    const Json* ranges = fields_.try_at(document_, "range_constraints");
    if (ranges == nullptr) {
      return;
    }
    for (auto it = ranges->begin(); it != ranges->end(); ++it) {
      ir::Range range;
      if (const Json* min = fields_.try_at(it.value(), "min_val")) {
        range.min = fields_.integer(*min);
      }
      if (const Json* max = fields_.try_at(it.value(), "max_val")) {
        range.max = fields_.integer(*max);
      }
      graph.ranges[it.key()] = range;
    }
  }

  // A file that this project wrote says which names the trees could not carry.
  void read_names(ir::Graph& graph) {
    if (!archive_->has(ep::kNamesRecord)) {
      return;
    }
    const std::string where =
        archive_->path().string() + ": " + ep::kNamesRecord;
    const Json document = parse_json(archive_->text(ep::kNamesRecord), where);
    const JsonFields fields(where);
    const auto rename = [&](const char* key, auto& list) {
      const Json& names = fields.array(document, key);
      if (names.size() != list.size()) {
        fields.fail(
            "has " + std::to_string(names.size()) + " " + key + ", the graph " +
            std::to_string(list.size()));
      }
      for (size_t i = 0; i < list.size(); ++i) {
        list[i].name = fields.text(names[i]);
      }
    };
    rename("inputs", graph.inputs);
    rename("outputs", graph.outputs);
  }

  /// Keeps of the document what the writer copies.
  void keep_document() {
    Json& module = document_["graph_module"];
    module.erase("graph");
    module.erase("signature");
    module.erase("module_call_graph");
    details_->program = std::move(document_);
  }

  std::string record_;
  std::string where_;
  Json document_;
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

Model load_exported_program(std::shared_ptr<const ZipReader> archive) {
  check(is_exported_program(*archive), "not an ExportedProgram archive");
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
