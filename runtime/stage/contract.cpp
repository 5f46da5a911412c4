#include "runtime/stage/contract.h"

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/dims_text.h"

namespace pp {

namespace {

std::string contract_text(const ir::TensorMeta& meta) {
  return ir::name_of(meta.dtype) + ir::dims_text(meta.sizes);
}

std::string tensor_text(const at::Tensor& tensor) {
  return ir::name_of(static_cast<ir::ScalarType>(tensor.scalar_type())) +
         shape_text({tensor.sizes().data(), tensor.sizes().size()});
}

}  // namespace

void Contract::refuse(
    const EntryPoint& entry,
    const std::string& expected,
    const std::string& actual) const {
  throw runtime_error(
      "PipeliningShapeError: stage " + std::to_string(stage_) +
      ", microbatch " + std::to_string(microbatch_) + ": '" + entry.name +
      "' should be " + expected + ", but is " + actual);
}

void Contract::refuse_missing(const EntryPoint& entry) const {
  refuse(
      entry, contract_text(entry.contract.tensor), "missing from the message");
}

const at::Tensor& Contract::check(
    const EntryPoint& entry, const at::Tensor& tensor) {
  const ir::TensorMeta& meta = entry.contract.tensor;
  if (!meta.known) {
    return tensor;
  }
  const auto dtype = static_cast<ir::ScalarType>(tensor.scalar_type());
  const bool cast = autocast_ == dtype && ir::is_floating(meta.dtype);
  if ((meta.dtype != dtype && !cast) ||
      static_cast<int64_t>(meta.sizes.size()) != tensor.dim()) {
    refuse(entry, contract_text(meta), tensor_text(tensor));
  }
  for (size_t i = 0; i < meta.sizes.size(); ++i) {
    const ir::Dim& dim = meta.sizes[i];
    const int64_t size = tensor.size(static_cast<int64_t>(i));
    if (dim.is_fixed() && dim.value != size) {
      refuse(entry, contract_text(meta), tensor_text(tensor));
    }
    if (!ir::is_symbol(dim)) {
      continue;
    }
    const auto [symbol, is_new] = symbols_.emplace(dim.expr, size);
    if (!is_new && symbol->second != size) {
      refuse(
          entry,
          contract_text(meta) + " with " + dim.expr + " = " +
              std::to_string(symbol->second),
          tensor_text(tensor));
    }
  }
  return tensor;
}

}  // namespace pp
