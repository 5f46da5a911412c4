#include "runtime/optim/optimizer_share.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>

namespace pp {

at::Tensor flat(const at::Tensor& dense) {
  return dense.detach().as_strided({dense.numel()}, {1});
}

bool entries_are_apart(const at::Tensor& tensor) {
  std::vector<std::pair<int64_t, int64_t>> steps;  // stride, size
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    if (tensor.size(i) > 1) {
      steps.emplace_back(tensor.stride(i), tensor.size(i));
    }
  }
  std::ranges::sort(steps);
  int64_t reach = 0;
  for (const auto& [stride, size] : steps) {
    if (stride <= reach) {
      return false;
    }
    reach += stride * (size - 1);
  }
  return true;
}

at::Tensor laid_out_as(const at::Tensor& value, const at::Tensor& like) {
  if (!value.defined() || (value.strides() == like.strides() &&
                           value.is_non_overlapping_and_dense())) {
    return value;
  }
  const at::NoGradGuard no_grad;
  return at::empty_like(
             like,
             like.options().dtype(value.scalar_type()).requires_grad(false))
      .copy_(value);
}

at::ScalarType state_type(const at::Tensor& parameter) {
  const at::ScalarType own = parameter.scalar_type();
  if (own == at::kComplexHalf) {
    return at::kComplexFloat;
  }
  return own == at::kBFloat16 || own == at::kHalf ? at::kFloat : own;
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
