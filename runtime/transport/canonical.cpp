#include "runtime/transport/canonical.h"

#include <utility>

namespace pp {

at::Tensor canonical(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return tensor;
  }
  at::Tensor out = tensor.requires_grad() ? tensor.detach() : tensor;
  out = out.resolve_conj().resolve_neg();
  if (out.is_non_overlapping_and_dense() || out.numel() == 0) {
    return out;
  }
  return out.clone(at::MemoryFormat::Preserve);
}

at::Tensor flat_memory(const at::Tensor& dense) {
  return dense.as_strided({dense.numel()}, {1}, dense.storage_offset());
}

Message canonical(Message message) {
  for (at::Tensor& tensor : message.tensors) {
    tensor = canonical(tensor);
  }
  return message;
}

}  // namespace pp
