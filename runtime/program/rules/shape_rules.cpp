// Views in other sizes, or with the dimensions in another order.
#include <ATen/WrapDimUtils.h>
#include <ATen/ops/_unsafe_view.h>
#include <ATen/ops/flatten.h>
#include <ATen/ops/permute.h>
#include <ATen/ops/reshape.h>
#include <ATen/ops/squeeze.h>
#include <ATen/ops/t.h>
#include <ATen/ops/transpose.h>
#include <ATen/ops/unflatten.h>
#include <ATen/ops/unsqueeze.h>
#include <c10/util/irange.h>

#include "runtime/program/rules/arguments.h"
#include "runtime/program/rules/rules.h"

namespace pp {

namespace shape {
namespace {

// Operators that keep the order of the elements.

/// Forward of an operator whose backward reshapes the gradient.
template <typename Make>
bool reshaped(Stack& stack, Kept& kept, const Make& make) {
  const at::Tensor* x = plain_input(stack);
  if (x == nullptr) {
    return false;
  }
  kept = {sizes_of(*x)};
  return result(stack, make(*x));
}

bool view(Stack& stack, Wanted, Kept& kept) {
  return reshaped(stack, kept, [&](const at::Tensor& x) {
    return x.view(to_sizes(stack[1]));
  });
}
bool unsafe_view(Stack& stack, Wanted, Kept& kept) {
  return reshaped(stack, kept, [&](const at::Tensor& x) {
    return at::_unsafe_view(x, to_sizes(stack[1]));
  });
}
bool reshape(Stack& stack, Wanted, Kept& kept) {
  return reshaped(stack, kept, [&](const at::Tensor& x) {
    return at::reshape(x, to_sizes(stack[1]));
  });
}
bool flatten(Stack& stack, Wanted, Kept& kept) {
  return reshaped(stack, kept, [&](const at::Tensor& x) {
    return at::flatten(x, stack[1].toInt(), stack[2].toInt());
  });
}
bool unflatten(Stack& stack, Wanted, Kept& kept) {
  return reshaped(stack, kept, [&](const at::Tensor& x) {
    return at::unflatten(x, stack[1].toInt(), to_sizes(stack[2]));
  });
}
bool unsqueeze(Stack& stack, Wanted, Kept& kept) {
  return reshaped(stack, kept, [&](const at::Tensor& x) {
    return at::unsqueeze(x, stack[1].toInt());
  });
}
bool squeeze(Stack& stack, Wanted, Kept& kept) {
  return reshaped(
      stack, kept, [](const at::Tensor& x) { return at::squeeze(x); });
}
bool squeeze_dim(Stack& stack, Wanted, Kept& kept) {
  return reshaped(stack, kept, [&](const at::Tensor& x) {
    return at::squeeze(x, stack[1].toInt());
  });
}
void reshaped_backward(const BackwardCall& call) {
  call.give(0, call.gradient().reshape(to_sizes(call.kept[0])));
}

// Operators that permute or repeat dimensions.

bool transpose(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor* x = plain_input(stack);
  if (x == nullptr) {
    return false;
  }
  kept = {stack[1], stack[2]};
  return result(stack, at::transpose(*x, kept[0].toInt(), kept[1].toInt()));
}
void transpose_backward(const BackwardCall& call) {
  call.give(
      0,
      at::transpose(
          call.gradient(), call.kept[0].toInt(), call.kept[1].toInt()));
}

bool t(Stack& stack, Wanted, Kept&) {
  const at::Tensor* x = plain_input(stack);
  return x != nullptr && result(stack, at::t(*x));
}
void t_backward(const BackwardCall& call) {
  call.give(0, at::t(call.gradient()));
}

bool permute(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor* x = plain_input(stack);
  if (x == nullptr) {
    return false;
  }
  kept = {stack[1]};
  return result(stack, at::permute(*x, to_sizes(stack[1])));
}
void permute_backward(const BackwardCall& call) {
  const std::vector<int64_t> dims = to_sizes(call.kept[0]);
  const auto count = static_cast<int64_t>(dims.size());
  std::vector<int64_t> back(dims.size());
  for (const auto i : c10::irange(count)) {
    back[at::maybe_wrap_dim(dims[i], count)] = i;
  }
  call.give(0, at::permute(call.gradient(), back));
}

bool expand(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor* x = plain_input(stack);
  if (x == nullptr) {
    return false;
  }
  kept = {sizes_of(*x)};
  return result(stack, x->expand(to_sizes(stack[1]), stack[2].toBool()));
}
void expand_backward(const BackwardCall& call) {
  call.give(0, at::sum_to(call.gradient(), to_sizes(call.kept[0])));
}

constexpr Rule kRules[] = {
    {"aten::view", view, reshaped_backward},
    {"aten::_unsafe_view", unsafe_view, reshaped_backward},
    {"aten::reshape", reshape, reshaped_backward},
    {"aten::flatten.using_ints", flatten, reshaped_backward},
    {"aten::unflatten.int", unflatten, reshaped_backward},
    {"aten::unsqueeze", unsqueeze, reshaped_backward},
    {"aten::squeeze", squeeze, reshaped_backward},
    {"aten::squeeze.dim", squeeze_dim, reshaped_backward},
    {"aten::transpose.int", transpose, transpose_backward},
    {"aten::t", t, t_backward},
    {"aten::permute", permute, permute_backward},
    {"aten::expand", expand, expand_backward},
};

}  // namespace
}  // namespace shape

std::span<const Rule> shape_rules() {
  return shape::kRules;
}

}  // namespace pp
