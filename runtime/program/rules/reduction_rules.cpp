// Sums, means and softmax along dimensions.
#include <algorithm>

#include <ATen/WrapDimUtils.h>
#include <ATen/ops/_log_softmax.h>
#include <ATen/ops/_log_softmax_backward_data.h>
#include <ATen/ops/_softmax.h>
#include <ATen/ops/_softmax_backward_data.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/sum.h>

#include "runtime/program/rules/arguments.h"
#include "runtime/program/rules/rules.h"

namespace pp {

namespace reduction {
namespace {

/// Expands the gradient of a reduction to the input's sizes. kept: these sizes,
/// the dimensions that were reduced (empty: all) and keepdim.
at::Tensor expanded_gradient(const BackwardCall& call) {
  const std::vector<int64_t> sizes = to_sizes(call.kept[0]);
  std::vector<int64_t> dims = to_sizes(call.kept[1]);
  const bool keepdim = call.kept[2].toBool();
  at::Tensor gradient = call.gradient();
  if (!keepdim && !sizes.empty()) {
    const auto count = static_cast<int64_t>(sizes.size());
    if (dims.empty()) {
      for (int64_t dim = 0; dim < count; ++dim) {
        dims.push_back(dim);
      }
    }
    for (int64_t& dim : dims) {
      dim = at::maybe_wrap_dim(dim, count);
    }
    std::ranges::sort(dims);
    for (const int64_t dim : dims) {
      gradient = gradient.unsqueeze(dim);
    }
  }
  return gradient.expand(sizes);
}

/// Whether the result has the type of x.
bool keeps_type(const at::Tensor& x, const c10::IValue& dtype) {
  return is_plain(x) &&
         (dtype.isNone() || dtype.toScalarType() == x.scalar_type());
}

std::vector<int64_t> dims_of(const c10::IValue& value) {
  return value.isNone() ? std::vector<int64_t>() : value.toIntVector();
}

bool sum(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor x = stack[0].toTensor();
  if (!keeps_type(x, stack[1])) {
    return false;
  }
  kept = {sizes_of(x), std::vector<int64_t>(), false};
  return result(stack, at::sum(x));
}
bool sum_dims(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor x = stack[0].toTensor();
  if (!keeps_type(x, stack[3])) {
    return false;
  }
  const std::vector<int64_t> dims = dims_of(stack[1]);
  kept = {sizes_of(x), dims, stack[2]};
  return result(stack, at::sum(x, dims, stack[2].toBool()));
}
void sum_backward(const BackwardCall& call) {
  call.give(0, expanded_gradient(call));
}

bool mean(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor x = stack[0].toTensor();
  if (!keeps_type(x, stack[1])) {
    return false;
  }
  kept = {sizes_of(x), x.numel()};
  return result(stack, at::mean(x));
}
void mean_backward(const BackwardCall& call) {
  const Kept& k = call.kept;
  call.give(0, call.gradient().expand(to_sizes(k[0])).div(k[1].toScalar()));
}

bool mean_dims(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor x = stack[0].toTensor();
  if (!keeps_type(x, stack[3])) {
    return false;
  }
  const std::vector<int64_t> dims = dims_of(stack[1]);
  at::Tensor out = at::mean(x, dims, stack[2].toBool());
  if (out.numel() == 0) {
    return false;
  }
  kept = {sizes_of(x), dims, stack[2], x.numel() / out.numel()};
  return result(stack, std::move(out));
}
void mean_dims_backward(const BackwardCall& call) {
  call.give(0, expanded_gradient(call).div(call.kept[3].toScalar()));
}

// Softmax normalizes along a dimension. The backward needs the result alone.

template <at::Tensor (*kFunction)(const at::Tensor&, int64_t, bool)>
bool softmax_like(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor x = stack[0].toTensor();
  if (!keeps_type(x, stack[2])) {
    return false;
  }
  at::Tensor out = kFunction(x, stack[1].toInt(), false);
  kept = {out, stack[1]};
  return result(stack, std::move(out));
}
template <at::Tensor (*kFormula)(
    const at::Tensor&, const at::Tensor&, int64_t, at::ScalarType)>
void softmax_like_backward(const BackwardCall& call) {
  const at::Tensor& out = call.kept[0].toTensor();
  call.give(
      0,
      kFormula(call.gradient(), out, call.kept[1].toInt(), out.scalar_type()));
}

constexpr Rule kRules[] = {
    {"aten::sum", sum, sum_backward},
    {"aten::sum.dim_IntList", sum_dims, sum_backward},
    {"aten::mean", mean, mean_backward},
    {"aten::mean.dim", mean_dims, mean_dims_backward},
    {"aten::softmax.int",
     softmax_like<at::_softmax>,
     softmax_like_backward<at::_softmax_backward_data>},
    {"aten::log_softmax.int",
     softmax_like<at::_log_softmax>,
     softmax_like_backward<at::_log_softmax_backward_data>},
};

}  // namespace
}  // namespace reduction

std::span<const Rule> reduction_rules() {
  return reduction::kRules;
}

}  // namespace pp
