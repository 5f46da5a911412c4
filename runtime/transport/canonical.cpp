#include "runtime/transport/canonical.h"

#include <utility>

namespace pp {

at::Tensor canonical(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return tensor;
  }
  at::Tensor out = tensor.requires_grad() ? tensor.detach() : tensor;
  out = out.resolve_conj().resolve_neg();
  // `contiguous()` would hand back an expanded tensor without elements or with
  // one as it is, which is right: its strides do not matter then.
  return out.is_non_overlapping_and_dense() ? out : out.contiguous();
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
