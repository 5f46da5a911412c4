#include "runtime/train/share.h"

#include <algorithm>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>

namespace pp {

at::Tensor flat(const at::Tensor& dense) {
  return dense.detach().as_strided({dense.numel()}, {1});
}

at::Tensor laid_out_as(const at::Tensor& value, const at::Tensor& like) {
  if (!value.defined() || value.strides() == like.strides()) {
    return value;
  }
  const at::NoGradGuard no_grad;
  return at::empty_like(
             like,
             like.options().dtype(value.scalar_type()).requires_grad(false))
      .copy_(value);
}

Share share_of(int64_t n, int index, int count) {
  const int64_t each = (n + count - 1) / count;
  const int64_t begin = std::min(n, each * index);
  return {begin, std::min(each, n - begin)};
}

at::Tensor share(const at::Tensor& dense, int index, int count) {
  const Share part = share_of(dense.numel(), index, count);
  return flat(dense).narrow(0, part.begin, part.size);
}

}  // namespace pp
