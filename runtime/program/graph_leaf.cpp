#include "runtime/program/graph_leaf.h"

#include <utility>

#include <ATen/ops/alias.h>
#include <c10/core/StorageImpl.h>

namespace pp {

GraphLeaf::GraphLeaf(const at::Tensor& value)
    : leaf_(value.detach().set_requires_grad(true)) {}

at::Tensor GraphLeaf::enter() const {
  // What saves its input saves this view, and so never the leaf itself.
  return at::alias(leaf_);
}

void GraphLeaf::let_go() {
  c10::DataPtr nothing(nullptr, leaf_.device());
  leaf_.unsafeGetTensorImpl()->set_storage_keep_dtype(
      c10::make_intrusive<c10::StorageImpl>(
          c10::StorageImpl::use_byte_size_t(),
          0,
          std::move(nothing),
          /*allocator=*/nullptr,
          /*resizable=*/false));
}

at::Tensor GraphLeaf::take_gradient() {
  return std::exchange(leaf_.mutable_grad(), at::Tensor());
}

}  // namespace pp
