#include <algorithm>

#include <nlohmann/json.hpp>

#include "loader/core/error.h"
#include "splitter/manifest_json.h"
#include "splitter/type_text.h"

namespace pp {

namespace {

using Json = nlohmann::json;

/// A JSON value and the path that leads to it.
class Field {
 public:
  Field(const Json& json, std::string path) : json_(&json), path_(path) {}

  [[noreturn]] void fail(const std::string& what) const {
    // The root's path ends so already.
    throw input_error(path_ + (path_.ends_with(' ') ? "" : ": ") + what);
  }

  bool has(const char* key) const {
    return json_->is_object() && json_->contains(key);
  }

  Field at(const char* key) const {
    if (!json_->is_object()) {
      fail("must be an object");
    }
    const auto found = json_->find(key);
    if (found == json_->end()) {
      fail("field '" + std::string(key) + "' is missing");
    }
    const std::string separator = path_.ends_with(' ') ? "" : ".";
    return {*found, path_ + separator + key};
  }

  std::vector<Field> items() const {
    if (!json_->is_array()) {
      fail("must be a list");
    }
    std::vector<Field> out;
    for (size_t i = 0; i < json_->size(); ++i) {
      out.emplace_back((*json_)[i], path_ + "[" + std::to_string(i) + "]");
    }
    return out;
  }

  std::string text() const {
    if (!json_->is_string()) {
      fail("must be a string");
    }
    return json_->get<std::string>();
  }

  bool flag() const {
    if (!json_->is_boolean()) {
      fail("must be true or false");
    }
    return json_->get<bool>();
  }

  bool is_integer() const { return json_->is_number_integer(); }

  int64_t integer() const {
    if (!json_->is_number_integer()) {
      fail("must be a whole number");
    }
    if (json_->is_number_unsigned() &&
        json_->get<uint64_t>() > uint64_t{INT64_MAX}) {
      fail("is too large");
    }
    return json_->get<int64_t>();
  }

  uint64_t count() const {
    if (!json_->is_number_unsigned()) {
      fail("must be a whole number, not negative");
    }
    return json_->get<uint64_t>();
  }

  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const Field& item : items()) {
      out.push_back(item.text());
    }
    return out;
  }

 private:
  const Json* json_;
  std::string path_;
};

ir::Dim read_dim(const Field& field, bool may_be_negative) {
  ir::Dim dim;
  if (field.is_integer()) {
    dim.value = field.integer();
  } else {
    dim.expr = field.at("expr").text();
    dim.value = field.at("hint").integer();
    if (dim.expr.empty()) {
      field.fail("'expr' is empty");
    }
  }
  if (dim.value < 0 && !may_be_negative) {
    field.fail("a size can't be negative");
  }
  return dim;
}

std::vector<ir::Dim> read_dims(const Field& field, bool may_be_negative) {
  std::vector<ir::Dim> out;
  for (const Field& item : field.items()) {
    out.push_back(read_dim(item, may_be_negative));
  }
  return out;
}

void read_type(const Field& at, ir::Type& type, ir::TensorMeta& tensor) {
  if (!parse_type(at.at("type").text(), type)) {
    at.at("type").fail(
        "'" + at.at("type").text() +
        "' is no type; 'tensor', 'int' or the "
        "like would be");
  }
  if (type.kind != ir::TypeKind::Tensor) {
    return;
  }
  tensor.known = !at.has("known") || at.at("known").flag();
  if (!tensor.known) {
    return;
  }
  if (!parse_dtype(at.at("dtype").text(), tensor.dtype)) {
    at.at("dtype").fail(
        "'" + at.at("dtype").text() +
        "' is no element type; 'float32' or "
        "the like would be");
  }
  tensor.sizes = read_dims(at.at("shape"), false);
  tensor.strides = read_dims(at.at("strides"), true);
  if (tensor.layout == ir::Layout::Strided && !at.has("layout") &&
      tensor.strides.size() != tensor.sizes.size()) {
    at.fail("'shape' and 'strides' have different lengths");
  }
  if (at.has("storage_offset")) {
    tensor.storage_offset = read_dim(at.at("storage_offset"), false);
  }
  if (at.has("device")) {
    tensor.device = parse_device(at.at("device").text());
  }
  if (at.has("layout") &&
      !parse_layout(at.at("layout").text(), tensor.layout)) {
    at.at("layout").fail("'" + at.at("layout").text() + "' is no layout");
  }
  tensor.requires_grad = at.at("requires_grad").flag();
}

StageInput read_input(const Field& at) {
  StageInput input;
  input.value = at.at("value").text();
  input.from_user = at.has("from_user");
  if (input.from_user) {
    input.user_name = at.at("from_user").text();
  }
  read_type(at, input.type, input.tensor);
  return input;
}

StageOutput read_output(const Field& at) {
  StageOutput output;
  output.value = at.at("value").text();
  output.to_next = at.at("to_next").flag();
  output.relayed = at.at("relayed").flag();
  output.only_for_output = at.at("only_for_output").flag();
  if (at.has("model_output")) {
    output.model_output = at.at("model_output").text();
  }
  read_type(at, output.type, output.tensor);
  return output;
}

/// The name of a file beside the manifest, never a way out of the folder.
std::string read_file_name(const Field& at) {
  std::string name = at.text();
  if (name.empty() || name.find('/') != std::string::npos ||
      name.starts_with('.')) {
    at.fail("'" + name + "' is not the name of a file in this folder");
  }
  return name;
}

StageManifest read_stage(const Field& at) {
  StageManifest stage;
  stage.file = read_file_name(at.at("file"));
  stage.hash = at.at("hash").text();
  stage.modules = at.at("modules").texts();
  for (const Field& item : at.at("inputs").items()) {
    stage.inputs.push_back(read_input(item));
  }
  for (const Field& item : at.at("outputs").items()) {
    stage.outputs.push_back(read_output(item));
  }
  stage.parameters = at.at("parameters").texts();
  stage.buffers = at.at("buffers").texts();
  stage.num_parameters = at.at("num_parameters").count();
  stage.parameter_bytes = at.at("parameter_bytes").count();
  stage.flops = at.at("flops").count();
  stage.bytes_in = at.at("bytes_in").count();
  stage.bytes_out = at.at("bytes_out").count();
  stage.notes = at.at("notes").texts();
  return stage;
}

ModelFormat read_format(const Field& at) {
  const std::string name = at.text();
  if (name == "exported_program") {
    return ModelFormat::ExportedProgram;
  }
  if (name == "torchscript") {
    return ModelFormat::TorchScript;
  }
  at.fail(
      "'" + name +
      "' is no format; 'exported_program' or 'torchscript' would be");
}

TiedParameter read_tie(const Field& at, size_t num_stages) {
  TiedParameter tied;
  tied.fqn = at.at("fqn").text();
  tied.aliases = at.at("aliases").texts();
  for (const Field& item : at.at("stages").items()) {
    const uint64_t stage = item.count();
    if (stage >= num_stages) {
      item.fail("there are only " + std::to_string(num_stages) + " stages");
    }
    tied.stages.push_back(static_cast<int>(stage));
  }
  if (!std::ranges::is_sorted(tied.stages)) {
    at.at("stages").fail("must ascend");
  }
  return tied;
}

/// What a stage sends must be what the next one takes.
void check_joints(const Manifest& manifest, const Field& at) {
  const auto names = [](const auto& ends, const auto& counts) {
    std::vector<std::string> out;
    for (const auto& each : ends) {
      if (counts(each)) {
        out.push_back(each.value);
      }
    }
    return out;
  };
  for (size_t i = 0; i <= manifest.stages.size(); ++i) {
    std::vector<std::string> sent;
    std::vector<std::string> taken;
    if (i > 0) {
      sent = names(manifest.stages[i - 1].outputs, [](const auto& output) {
        return output.to_next;
      });
    }
    if (i < manifest.stages.size()) {
      taken = names(manifest.stages[i].inputs, [](const auto& input) {
        return !input.from_user;
      });
    }
    if (sent != taken) {
      at.fail(
          "what stage " + std::to_string(i) +
          " takes is not what the stage before it sends");
    }
  }
}

}  // namespace

Manifest parse_manifest(std::string_view json, std::string_view where) {
  const Json parsed = Json::parse(json, nullptr, false);
  if (parsed.is_discarded() || !parsed.is_object()) {
    throw input_error(std::string(where) + ": is not a JSON object");
  }
  const Field root(parsed, std::string(where) + ": ");
  Manifest out;
  const int64_t version = root.at("version").integer();
  if (version != kManifestVersion) {
    root.at("version").fail(
        "is " + std::to_string(version) + ", and this pp reads version " +
        std::to_string(kManifestVersion) +
        (version > kManifestVersion ? "; use a newer pp" : ""));
  }
  out.version = static_cast<int>(version);
  out.format = read_format(root.at("format"));
  out.source_file = root.at("source_file").text();
  if (!out.source_file.empty()) {
    out.source_file = read_file_name(root.at("source_file"));
  }
  out.source_hash = root.at("source_hash").text();
  out.cuts = root.at("cuts").texts();
  for (const Field& item : root.at("inputs").items()) {
    ModelInput input;
    input.name = item.at("name").text();
    input.keyword = item.at("keyword").flag();
    read_type(item, input.type, input.tensor);
    out.inputs.push_back(std::move(input));
  }
  for (const Field& item : root.at("outputs").items()) {
    ModelOutput output;
    output.name = item.at("name").text();
    read_type(item, output.type, output.tensor);
    out.outputs.push_back(std::move(output));
  }
  for (const Field& item : root.at("stages").items()) {
    out.stages.push_back(read_stage(item));
  }
  if (out.stages.empty()) {
    root.at("stages").fail("is empty");
  }
  for (const Field& item : root.at("tied").items()) {
    out.tied.push_back(read_tie(item, out.stages.size()));
  }
  check_joints(out, root.at("stages"));
  return out;
}

}  // namespace pp
