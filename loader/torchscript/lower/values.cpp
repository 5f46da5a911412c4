#include "loader/torchscript/lower/values.h"

#include <utility>

#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "loader/torchscript/lower/operator_hints.h"

namespace pp::ts {

namespace {

ir::Dim fixed_dim(int64_t size) {
  return {.value = size, .expr = {}};
}

/// The metadata of a tensor like the example. Each size has a symbol, because
/// it may be different in another call.
ir::TensorMeta example_meta(const at::Tensor& tensor, const std::string& name) {
  ir::TensorMeta out;
  out.dtype = static_cast<ir::ScalarType>(tensor.scalar_type());
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    const std::string number = std::to_string(i);
    out.sizes.push_back({tensor.size(i), name + "." + number});
    out.strides.push_back({tensor.stride(i), name + ".stride." + number});
  }
  return out;
}

ir::TensorMeta unknown_meta() {
  ir::TensorMeta out;
  out.known = false;
  return out;
}

ir::TensorMeta state_meta(const at::Tensor& tensor) {
  ir::TensorMeta out;
  out.dtype = static_cast<ir::ScalarType>(tensor.scalar_type());
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    out.sizes.push_back(fixed_dim(tensor.size(i)));
    out.strides.push_back(fixed_dim(tensor.stride(i)));
  }
  out.storage_offset = fixed_dim(tensor.storage_offset());
  out.requires_grad = tensor.requires_grad();
  return out;
}

}  // namespace

GraphValue add_value(
    Lowering& lowering,
    std::string_view stem,
    ir::TypeKind kind,
    const std::optional<c10::IValue>& hint) {
  ir::Value value;
  value.name = lowering.names.make(stem);
  value.type.kind = kind;
  if (kind == ir::TypeKind::Tensor) {
    value.tensor = hint && hint->isTensor() && hint->toTensor().defined()
                       ? example_meta(hint->toTensor(), value.name)
                       : unknown_meta();
  }
  lowering.hints.push_back(hint);
  return {ir::add_value(lowering.graph, std::move(value))};
}

GraphValue add_state(
    Lowering& lowering,
    const std::string& fqn,
    ir::StateKind kind,
    const at::Tensor& tensor,
    std::string_view stem) {
  if (tensor.layout() != c10::kStrided || tensor.is_quantized()) {
    throw input_error(
        "'" + fqn +
        "' is a sparse or quantised tensor; only dense ones are supported");
  }
  StateRecord out;
  out.tensor = state_meta(tensor);
  if (tensor.storage().nbytes() > 0) {
    const auto record = lowering.storages.find(tensor.storage().data());
    if (record == lowering.storages.end()) {
      throw input_error("'" + fqn + "' is in no record of the archive");
    }
    out.record = record->second->name;
    out.offset = record->second->offset;
    out.num_bytes = record->second->num_bytes;
  }
  const GraphValue added =
      add_value(lowering, stem, ir::TypeKind::Tensor, to_meta(tensor));
  lowering.value(added.id).tensor = out.tensor;
  lowering.graph.states.push_back(
      {.fqn = fqn,
       .kind = kind,
       .persistent = true,
       .value = added.id,
       .aliases = {},
       .memory = {}});
  lowering.state_records.emplace(fqn, std::move(out));
  return added;
}

}  // namespace pp::ts
