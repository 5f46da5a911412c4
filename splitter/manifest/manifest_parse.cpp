#include <algorithm>

#include "loader/core/json_fields.h"
#include "loader/core/text.h"
#include "splitter/manifest/manifest_json.h"
#include "splitter/manifest/type_text.h"

namespace pp {

namespace {

using Json = nlohmann::json;

ir::Dim read_dim(
    const JsonFields& fields, const Json& json, bool may_be_negative) {
  ir::Dim dim;
  if (json.is_number_integer()) {
    dim.value = fields.integer(json);
  } else {
    dim.expr = fields.text_at(json, "expr");
    dim.value = fields.integer_at(json, "hint");
    if (dim.expr.empty()) {
      fields.fail_at(json, "'expr' is empty");
    }
  }
  if (dim.value < 0 && !may_be_negative) {
    fields.fail_at(json, "a size can't be negative");
  }
  return dim;
}

std::vector<ir::Dim> read_dims(
    const JsonFields& fields, const Json& list, bool may_be_negative) {
  std::vector<ir::Dim> out;
  for (const Json& item : fields.array(list)) {
    out.push_back(read_dim(fields, item, may_be_negative));
  }
  return out;
}

/// Refuses a word that is not one of those that a field may hold.
[[noreturn]] void refuse_word(
    const JsonFields& fields, const Json& word, const std::string& problem) {
  fields.fail_at(word, "'" + fields.text(word) + "' is not " + problem);
}

void read_type(
    const JsonFields& fields,
    const Json& json,
    ir::Type& type,
    ir::TensorMeta& tensor) {
  const Json& name = fields.at(json, "type");
  if (!parse_type(fields.text(name), type)) {
    refuse_word(fields, name, "a type; write 'tensor', 'int' or another type");
  }
  if (type.kind != ir::TypeKind::Tensor) {
    return;
  }
  const Json* known = fields.try_at(json, "known");
  tensor.known = known == nullptr || fields.boolean(*known);
  if (!tensor.known) {
    return;
  }
  const Json& dtype = fields.at(json, "dtype");
  if (!parse_dtype(fields.text(dtype), tensor.dtype)) {
    refuse_word(
        fields,
        dtype,
        "an element type; write 'float32' or another element type");
  }
  tensor.sizes = read_dims(fields, fields.at(json, "shape"), false);
  tensor.strides = read_dims(fields, fields.at(json, "strides"), true);
  const Json* layout = fields.try_at(json, "layout");
  if (layout == nullptr && tensor.strides.size() != tensor.sizes.size()) {
    fields.fail_at(json, "'shape' and 'strides' have different lengths");
  }
  if (const Json* offset = fields.try_at(json, "storage_offset")) {
    tensor.storage_offset = read_dim(fields, *offset, false);
  }
  if (const Json* device = fields.try_at(json, "device")) {
    if (!parse_device(fields.text(*device), tensor.device)) {
      refuse_word(fields, *device, "a device; write 'cpu' or 'cuda:0'");
    }
  }
  if (layout != nullptr && !parse_layout(fields.text(*layout), tensor.layout)) {
    refuse_word(fields, *layout, "a layout; write 'strided' or another layout");
  }
  tensor.requires_grad = fields.boolean_at(json, "requires_grad");
}

StageInput read_input(const JsonFields& fields, const Json& json) {
  StageInput input;
  input.value = fields.text_at(json, "value");
  if (const Json* user = fields.try_at(json, "from_user")) {
    input.from_user = true;
    input.user_name = fields.text(*user);
  }
  read_type(fields, json, input.type, input.tensor);
  return input;
}

StageOutput read_output(const JsonFields& fields, const Json& json) {
  StageOutput output;
  output.value = fields.text_at(json, "value");
  output.to_next = fields.boolean_at(json, "to_next");
  output.relayed = fields.boolean_at(json, "relayed");
  output.only_for_output = fields.boolean_at(json, "only_for_output");
  if (const Json* name = fields.try_at(json, "model_output")) {
    output.model_output = fields.text(*name);
  }
  read_type(fields, json, output.type, output.tensor);
  return output;
}

/// Reads the name of a file beside the manifest. Refuses paths to other
/// folders.
std::string read_file_name(const JsonFields& fields, const Json& json) {
  const std::string& name = fields.text(json);
  if (name.empty() || name.find('/') != std::string::npos ||
      name.starts_with('.')) {
    refuse_word(fields, json, "the name of a file in this folder");
  }
  return name;
}

StageManifest read_stage(const JsonFields& fields, const Json& json) {
  StageManifest stage;
  stage.file = read_file_name(fields, fields.at(json, "file"));
  stage.hash = fields.text_at(json, "hash");
  stage.modules = fields.texts_at(json, "modules");
  for (const Json& item : fields.array_at(json, "inputs")) {
    stage.inputs.push_back(read_input(fields, item));
  }
  for (const Json& item : fields.array_at(json, "outputs")) {
    stage.outputs.push_back(read_output(fields, item));
  }
  stage.parameters = fields.texts_at(json, "parameters");
  stage.buffers = fields.texts_at(json, "buffers");
  stage.num_parameters = fields.count_at(json, "num_parameters");
  stage.parameter_bytes = fields.count_at(json, "parameter_bytes");
  stage.flops = fields.count_at(json, "flops");
  stage.bytes_in = fields.count_at(json, "bytes_in");
  stage.bytes_out = fields.count_at(json, "bytes_out");
  if (fields.try_at(json, "guards") != nullptr) {
    stage.guards = fields.texts_at(json, "guards");
  }
  stage.notes = fields.texts_at(json, "notes");
  return stage;
}

ModelFormat read_format(const JsonFields& fields, const Json& json) {
  const std::string& name = fields.text(json);
  std::vector<std::string_view> names;
  for (const ModelFormatName& row : kModelFormats) {
    if (row.name == name) {
      return row.format;
    }
    names.push_back(row.name);
  }
  refuse_word(fields, json, "a format; write one of " + join(names));
}

TiedParameter read_tie(
    const JsonFields& fields, const Json& json, size_t num_stages) {
  TiedParameter tied;
  tied.fqn = fields.text_at(json, "fqn");
  tied.aliases = fields.texts_at(json, "aliases");
  const Json& stages = fields.array_at(json, "stages");
  for (const Json& item : stages) {
    const uint64_t stage = fields.count(item);
    if (stage >= num_stages) {
      fields.fail_at(
          item,
          "is stage " + std::to_string(stage) + ", but there are only " +
              std::to_string(num_stages));
    }
    tied.stages.push_back(static_cast<int>(stage));
  }
  if (!std::ranges::is_sorted(tied.stages)) {
    fields.fail_at(stages, "must be in ascending order");
  }
  return tied;
}

/// Checks that each stage sends what the next one expects.
void check_joints(
    const Manifest& manifest, const JsonFields& fields, const Json& stages) {
  const auto names = [](const auto& ends, const auto& crosses) {
    std::vector<std::string> out;
    for (const auto& each : ends) {
      if (crosses(each)) {
        out.push_back(each.value);
      }
    }
    return out;
  };
  for (size_t i = 0; i <= manifest.stages.size(); ++i) {
    std::vector<std::string> sent;
    std::vector<std::string> expected;
    if (i > 0) {
      sent = names(manifest.stages[i - 1].outputs, [](const auto& output) {
        return output.to_next;
      });
    }
    if (i < manifest.stages.size()) {
      expected = names(manifest.stages[i].inputs, [](const auto& input) {
        return !input.from_user;
      });
    }
    if (sent != expected) {
      fields.fail_at(
          stages,
          "the inputs of stage " + std::to_string(i) +
              " differ from the outputs that the stage before it sends");
    }
  }
}

void check_version(const JsonFields& fields) {
  const Json& json = fields.at(fields.root(), "version");
  const int64_t version = fields.integer(json);
  if (version != kManifestVersion) {
    fields.fail_at(
        json,
        "is " + std::to_string(version) + ", but this pp reads version " +
            std::to_string(kManifestVersion) +
            (version > kManifestVersion ? "; use a newer pp" : ""));
  }
}

}  // namespace

Manifest parse_manifest(std::string_view json, std::string_view where) {
  const JsonFields fields(json, std::string(where));
  const Json& root = fields.root();
  check_version(fields);
  Manifest out;
  out.version = kManifestVersion;
  out.format = read_format(fields, fields.at(root, "format"));
  const Json& source_file = fields.at(root, "source_file");
  if (!fields.text(source_file).empty()) {
    out.source_file = read_file_name(fields, source_file);
  }
  out.source_hash = fields.text_at(root, "source_hash");
  out.cuts = fields.texts_at(root, "cuts");
  if (fields.try_at(root, "guards") != nullptr) {
    out.guards = fields.texts_at(root, "guards");
  }
  for (const Json& item : fields.array_at(root, "inputs")) {
    ModelInput input;
    input.name = fields.text_at(item, "name");
    input.keyword = fields.boolean_at(item, "keyword");
    read_type(fields, item, input.type, input.tensor);
    out.inputs.push_back(std::move(input));
  }
  for (const Json& item : fields.array_at(root, "outputs")) {
    ModelOutput output;
    output.name = fields.text_at(item, "name");
    read_type(fields, item, output.type, output.tensor);
    out.outputs.push_back(std::move(output));
  }
  const Json& stages = fields.array_at(root, "stages");
  for (const Json& item : stages) {
    out.stages.push_back(read_stage(fields, item));
  }
  if (out.stages.empty()) {
    fields.fail_at(stages, "is empty");
  }
  for (const Json& item : fields.array_at(root, "tied")) {
    out.tied.push_back(read_tie(fields, item, out.stages.size()));
  }
  check_joints(out, fields, stages);
  return out;
}

}  // namespace pp
