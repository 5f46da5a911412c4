#include <nlohmann/json.hpp>

#include "splitter/manifest_json.h"
#include "splitter/type_text.h"

namespace pp {

namespace {

using Json = nlohmann::ordered_json;

// A fixed size is a number, a symbolic one {"expr": "s0", "hint": 2}.
Json dims_json(const std::vector<ir::Dim>& dims) {
  Json out = Json::array();
  for (const ir::Dim& dim : dims) {
    if (dim.is_fixed()) {
      out.push_back(dim.value);
    } else {
      out.push_back({{"expr", dim.expr}, {"hint", dim.value}});
    }
  }
  return out;
}

void add_type(Json& out, const ir::Type& type, const ir::TensorMeta& tensor) {
  out["type"] = type_text(type);
  if (type.kind != ir::TypeKind::Tensor) {
    return;
  }
  if (!tensor.known) {
    out["known"] = false;
    return;
  }
  out["dtype"] = ir::name_of(tensor.dtype);
  out["shape"] = dims_json(tensor.sizes);
  out["strides"] = dims_json(tensor.strides);
  if (tensor.storage_offset != ir::Dim{}) {
    out["storage_offset"] = dims_json({tensor.storage_offset})[0];
  }
  if (tensor.device != ir::Device{}) {
    out["device"] = device_text(tensor.device);
  }
  if (tensor.layout != ir::Layout::Strided) {
    out["layout"] = layout_text(tensor.layout);
  }
  out["requires_grad"] = tensor.requires_grad;
}

Json input_json(const StageInput& input) {
  Json out;
  out["value"] = input.value;
  if (input.from_user) {
    out["from_user"] = input.user_name;
  }
  add_type(out, input.type, input.tensor);
  return out;
}

Json output_json(const StageOutput& output) {
  Json out;
  out["value"] = output.value;
  out["to_next"] = output.to_next;
  out["relayed"] = output.relayed;
  out["only_for_output"] = output.only_for_output;
  if (!output.model_output.empty()) {
    out["model_output"] = output.model_output;
  }
  add_type(out, output.type, output.tensor);
  return out;
}

Json stage_json(const StageManifest& stage) {
  Json out;
  out["file"] = stage.file;
  out["hash"] = stage.hash;
  out["modules"] = stage.modules;
  out["inputs"] = Json::array();
  for (const StageInput& input : stage.inputs) {
    out["inputs"].push_back(input_json(input));
  }
  out["outputs"] = Json::array();
  for (const StageOutput& output : stage.outputs) {
    out["outputs"].push_back(output_json(output));
  }
  out["parameters"] = stage.parameters;
  out["buffers"] = stage.buffers;
  out["num_parameters"] = stage.num_parameters;
  out["parameter_bytes"] = stage.parameter_bytes;
  out["flops"] = stage.flops;
  out["bytes_in"] = stage.bytes_in;
  out["bytes_out"] = stage.bytes_out;
  out["notes"] = stage.notes;
  return out;
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  Json out;
  out["version"] = manifest.version;
  out["format"] = manifest.format == ModelFormat::TorchScript
                      ? "torchscript"
                      : "exported_program";
  out["source_file"] = manifest.source_file;
  out["source_hash"] = manifest.source_hash;
  out["cuts"] = manifest.cuts;
  out["inputs"] = Json::array();
  for (const ModelInput& input : manifest.inputs) {
    Json each;
    each["name"] = input.name;
    each["keyword"] = input.keyword;
    add_type(each, input.type, input.tensor);
    out["inputs"].push_back(std::move(each));
  }
  out["outputs"] = Json::array();
  for (const ModelOutput& output : manifest.outputs) {
    Json each;
    each["name"] = output.name;
    add_type(each, output.type, output.tensor);
    out["outputs"].push_back(std::move(each));
  }
  out["stages"] = Json::array();
  for (const StageManifest& stage : manifest.stages) {
    out["stages"].push_back(stage_json(stage));
  }
  out["tied"] = Json::array();
  for (const TiedParameter& tied : manifest.tied) {
    out["tied"].push_back(
        {{"fqn", tied.fqn},
         {"aliases", tied.aliases},
         {"stages", tied.stages}});
  }
  return out.dump(2) + "\n";
}

}  // namespace pp
