#include "splitter/manifest/manifest_json.h"
#include "splitter/manifest/ordered_json.h"
#include "splitter/manifest/type_text.h"

namespace pp {

namespace {

void add_type(
    OrderedJson& out, const ir::Type& type, const ir::TensorMeta& tensor) {
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

OrderedJson input_json(const StageInput& input) {
  OrderedJson out;
  out["value"] = input.value;
  if (input.from_user) {
    out["from_user"] = input.user_name;
  }
  add_type(out, input.type, input.tensor);
  return out;
}

OrderedJson output_json(const StageOutput& output) {
  OrderedJson out;
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

OrderedJson stage_json(const StageManifest& stage) {
  OrderedJson out;
  out["file"] = stage.file;
  out["hash"] = stage.hash;
  out["modules"] = stage.modules;
  out["inputs"] = OrderedJson::array();
  for (const StageInput& input : stage.inputs) {
    out["inputs"].push_back(input_json(input));
  }
  out["outputs"] = OrderedJson::array();
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
  if (!stage.guards.empty()) {
    out["guards"] = stage.guards;
  }
  out["notes"] = stage.notes;
  return out;
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  OrderedJson out;
  out["version"] = manifest.version;
  out["format"] = name_of(manifest.format);
  out["source_file"] = manifest.source_file;
  out["source_hash"] = manifest.source_hash;
  out["cuts"] = manifest.cuts;
  if (!manifest.guards.empty()) {
    out["guards"] = manifest.guards;
  }
  out["inputs"] = OrderedJson::array();
  for (const ModelInput& input : manifest.inputs) {
    OrderedJson each;
    each["name"] = input.name;
    each["keyword"] = input.keyword;
    add_type(each, input.type, input.tensor);
    out["inputs"].push_back(std::move(each));
  }
  out["outputs"] = OrderedJson::array();
  for (const ModelOutput& output : manifest.outputs) {
    OrderedJson each;
    each["name"] = output.name;
    add_type(each, output.type, output.tensor);
    out["outputs"].push_back(std::move(each));
  }
  out["stages"] = OrderedJson::array();
  for (const StageManifest& stage : manifest.stages) {
    out["stages"].push_back(stage_json(stage));
  }
  out["tied"] = OrderedJson::array();
  for (const TiedParameter& tied : manifest.tied) {
    out["tied"].push_back(
        {{"fqn", tied.fqn},
         {"aliases", tied.aliases},
         {"stages", tied.stages}});
  }
  return out.dump(2) + "\n";
}

}  // namespace pp
