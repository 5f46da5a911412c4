// Slices of a tensor, and tensors joined into one.
#include <algorithm>
#include <limits>
#include <optional>

#include <ATen/WrapDimUtils.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/chunk.h>
#include <ATen/ops/select.h>
#include <ATen/ops/select_backward.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/slice_backward.h>
#include <ATen/ops/split.h>
#include <ATen/ops/split_with_sizes.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/unbind.h>
#include <ATen/ops/zeros.h>
#include <c10/util/irange.h>

#include "runtime/program/rules/arguments.h"
#include "runtime/program/rules/rules.h"

namespace pp {

namespace slicing {
namespace {

int64_t int_or(const c10::IValue& value, int64_t otherwise) {
  return value.isNone() ? otherwise : value.toInt();
}

bool slice(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor* x = plain_input(stack);
  if (x == nullptr) {
    return false;
  }
  const int64_t begin = int_or(stack[2], 0);
  const int64_t end = int_or(stack[3], std::numeric_limits<int64_t>::max());
  kept = {sizes_of(*x), stack[1], begin, end, stack[4]};
  return result(
      stack, at::slice(*x, kept[1].toInt(), begin, end, kept[4].toInt()));
}
void slice_backward(const BackwardCall& call) {
  const Kept& k = call.kept;
  call.give(
      0,
      at::slice_backward(
          call.gradient(),
          to_sizes(k[0]),
          k[1].toInt(),
          k[2].toInt(),
          k[3].toInt(),
          k[4].toInt()));
}

bool select(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor* x = plain_input(stack);
  if (x == nullptr) {
    return false;
  }
  kept = {sizes_of(*x), stack[1], stack[2]};
  return result(stack, at::select(*x, kept[1].toInt(), kept[2].toInt()));
}
void select_backward(const BackwardCall& call) {
  const Kept& k = call.kept;
  call.give(
      0,
      at::select_backward(
          call.gradient(), to_sizes(k[0]), k[1].toInt(), k[2].toInt()));
}

// Operators that return a list of parts.

/// Forward of f(x, how, dim), whose parts lie side by side along `dim`.
template <typename Divide>
bool divided(Stack& stack, Kept& kept, const Divide& divide) {
  if (!is_plain(stack[0])) {
    return false;
  }
  const at::Tensor x = stack[0].toTensor();
  const int64_t dim = stack[2].toInt();
  std::vector<at::Tensor> parts = divide(x, dim);
  std::vector<int64_t> sizes_along;
  for (const at::Tensor& part : parts) {
    sizes_along.push_back(part.size(dim));
  }
  kept = {
      at::maybe_wrap_dim(dim, x.dim()), sizes_of(x), std::move(sizes_along)};
  stack.clear();
  stack.emplace_back(std::move(parts));
  return true;
}
bool split(Stack& stack, Wanted, Kept& kept) {
  return divided(stack, kept, [&](const at::Tensor& x, int64_t dim) {
    return at::split(x, stack[1].toInt(), dim);
  });
}
bool split_with_sizes(Stack& stack, Wanted, Kept& kept) {
  return divided(stack, kept, [&](const at::Tensor& x, int64_t dim) {
    return at::split_with_sizes(x, to_sizes(stack[1]), dim);
  });
}
bool chunk(Stack& stack, Wanted, Kept& kept) {
  return divided(stack, kept, [&](const at::Tensor& x, int64_t dim) {
    return at::chunk(x, stack[1].toInt(), dim);
  });
}

/// Returns one of the gradients that arrived.
at::Tensor any_gradient(const BackwardCall& call) {
  return *std::ranges::find_if(call.gradients, &at::Tensor::defined);
}

/// Returns the gradient of part i, or zeros if none arrived.
at::Tensor gradient_or_zeros(
    const BackwardCall& call,
    size_t i,
    at::IntArrayRef sizes,
    const at::TensorOptions& options) {
  const bool has_arrived =
      i < call.gradients.size() && call.gradients[i].defined();
  return has_arrived ? call.gradients[i] : at::zeros(sizes, options);
}

void divided_backward(const BackwardCall& call) {
  const int64_t dim = call.kept[0].toInt();
  std::vector<int64_t> sizes = to_sizes(call.kept[1]);
  const at::TensorOptions options = any_gradient(call).options();
  std::vector<at::Tensor> parts;
  for (const int64_t size : to_sizes(call.kept[2])) {
    sizes[dim] = size;
    parts.push_back(gradient_or_zeros(call, parts.size(), sizes, options));
  }
  call.give(0, at::cat(parts, dim));
}

bool unbind(Stack& stack, Wanted, Kept& kept) {
  if (!is_plain(stack[0])) {
    return false;
  }
  const at::Tensor x = stack[0].toTensor();
  kept = {stack[1], x.size(stack[1].toInt())};
  stack.clear();
  stack.emplace_back(at::unbind(x, kept[0].toInt()));
  return true;
}
void unbind_backward(const BackwardCall& call) {
  const at::Tensor any = any_gradient(call);
  std::vector<at::Tensor> parts;
  for (const auto i : c10::irange(call.kept[1].toInt())) {
    parts.push_back(gradient_or_zeros(
        call, static_cast<size_t>(i), any.sizes(), any.options()));
  }
  call.give(0, at::stack(parts, call.kept[0].toInt()));
}

// Operators that join a list of tensors. A position counts the list's items.

/// Returns the list's items if they are plain and of one type.
std::optional<std::vector<at::Tensor>> plain_items(
    const c10::IValue& list, Wanted wanted) {
  std::vector<at::Tensor> items = list.toTensorVector();
  const auto is_odd = [&](const at::Tensor& x) {
    return !is_plain(x) || !same_type(x, items.front());
  };
  if (items.empty() || items.size() > wanted.size() ||
      std::ranges::any_of(items, is_odd)) {
    return std::nullopt;
  }
  return items;
}

bool cat(Stack& stack, Wanted wanted, Kept& kept) {
  const auto items = plain_items(stack[0], wanted);
  if (!items) {
    return false;
  }
  const int64_t rank = items->front().dim();
  const int64_t dim = at::maybe_wrap_dim(stack[1].toInt(), rank);
  std::vector<int64_t> along;
  for (const at::Tensor& item : *items) {
    if (item.dim() != rank) {
      return false;  // cat accepts empty tensors of one dimension anywhere
    }
    along.push_back(item.size(dim));
  }
  kept = {dim, std::move(along)};
  return result(stack, at::cat(*items, dim));
}
void cat_backward(const BackwardCall& call) {
  int64_t begin = 0;
  const std::vector<int64_t> along = to_sizes(call.kept[1]);
  for (const auto i : c10::irange(along.size())) {
    if (call.wanted[i]) {
      call.give(
          i, call.gradient().narrow(call.kept[0].toInt(), begin, along[i]));
    }
    begin += along[i];
  }
}

bool stack_tensors(Stack& stack, Wanted wanted, Kept& kept) {
  const auto items = plain_items(stack[0], wanted);
  if (!items) {
    return false;
  }
  kept = {stack[1], static_cast<int64_t>(items->size())};
  return result(stack, at::stack(*items, kept[0].toInt()));
}
void stack_backward(const BackwardCall& call) {
  const std::vector<at::Tensor> all =
      at::unbind(call.gradient(), call.kept[0].toInt());
  for (const auto i : c10::irange(all.size())) {
    if (call.wanted[i]) {
      call.give(i, all[i]);
    }
  }
}

constexpr Rule kRules[] = {
    {"aten::slice.Tensor", slice, slice_backward},
    {"aten::select.int", select, select_backward},
    {"aten::split.Tensor", split, divided_backward},
    {"aten::split_with_sizes", split_with_sizes, divided_backward},
    {"aten::chunk", chunk, divided_backward},
    {"aten::unbind.int", unbind, unbind_backward},
    {"aten::cat", cat, cat_backward},
    {"aten::stack", stack_tensors, stack_backward},
};

}  // namespace
}  // namespace slicing

std::span<const Rule> slicing_rules() {
  return slicing::kRules;
}

}  // namespace pp
