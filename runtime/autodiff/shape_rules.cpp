// Views, and copies that move elements.
#include <algorithm>
#include <limits>
#include <optional>

#include <ATen/WrapDimUtils.h>
#include <ATen/ops/_unsafe_view.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/chunk.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/flatten.h>
#include <ATen/ops/permute.h>
#include <ATen/ops/reshape.h>
#include <ATen/ops/select.h>
#include <ATen/ops/select_backward.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/slice_backward.h>
#include <ATen/ops/split.h>
#include <ATen/ops/split_with_sizes.h>
#include <ATen/ops/squeeze.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/t.h>
#include <ATen/ops/transpose.h>
#include <ATen/ops/unbind.h>
#include <ATen/ops/unflatten.h>
#include <ATen/ops/unsqueeze.h>
#include <ATen/ops/zeros.h>
#include <c10/util/irange.h>

#include "runtime/autodiff/arguments.h"
#include "runtime/autodiff/rules.h"

namespace pp {

namespace shape {
namespace {

/// The input, if it is one to differentiate by a rule.
const at::Tensor* plain_input(const Stack& stack) {
  return is_plain(stack[0]) ? &stack[0].toTensor() : nullptr;
}

// Other sizes, the same elements in the same order.

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

// The same tensor, or its elements in other memory.

bool alias(Stack& stack, Wanted, Kept&) {
  const at::Tensor* x = plain_input(stack);
  return x != nullptr && result(stack, at::Tensor(*x));
}
bool contiguous(Stack& stack, Wanted, Kept&) {
  const at::Tensor* x = plain_input(stack);
  return x != nullptr &&
         result(stack, x->contiguous(stack[1].toMemoryFormat()));
}
bool clone(Stack& stack, Wanted, Kept&) {
  const at::Tensor* x = plain_input(stack);
  if (x == nullptr) {
    return false;
  }
  const auto format = stack[1].toOptional<c10::MemoryFormat>();
  return result(stack, at::clone(*x, format));
}

/// to(x, dtype, ..., copy, memory_format) between real floating types.
bool cast(Stack& stack, Kept& kept, const c10::IValue& dtype) {
  const at::Tensor x = stack[0].toTensor();
  const c10::IValue& format = stack.back();
  const at::ScalarType type =
      dtype.isNone() ? x.scalar_type() : dtype.toScalarType();
  if (!at::isFloatingType(type) ||
      !(format.isNone() ||
        format.toMemoryFormat() == c10::MemoryFormat::Preserve)) {
    return false;
  }
  const bool copies = stack[stack.size() - 2].toBool();
  kept = {static_cast<int64_t>(x.scalar_type())};
  return result(stack, x.to(type, /*non_blocking=*/false, copies));
}
bool to_dtype(Stack& stack, Wanted, Kept& kept) {
  return is_plain(stack[0]) && cast(stack, kept, stack[1]);
}
bool to_device(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor* x = plain_input(stack);
  return x != nullptr && stack[1].toDevice() == x->device() &&
         cast(stack, kept, stack[2]);
}
bool to_layout(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor* x = plain_input(stack);
  return x != nullptr &&
         (stack[2].isNone() || stack[2].toLayout() == at::kStrided) &&
         (stack[3].isNone() || stack[3].toDevice() == x->device()) &&
         cast(stack, kept, stack[1]);
}
void cast_backward(const BackwardCall& call) {
  call.give(0, call.gradient().to(call.kept[0].toScalarType()));
}

// Dimensions in another order.

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

// Parts and repetitions.

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

int64_t bound(const c10::IValue& value, int64_t otherwise) {
  return value.isNone() ? otherwise : value.toInt();
}

bool slice(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor* x = plain_input(stack);
  if (x == nullptr) {
    return false;
  }
  const int64_t begin = bound(stack[2], 0);
  const int64_t end = bound(stack[3], std::numeric_limits<int64_t>::max());
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

/// Leaves a list of parts that lie side by side along `dim`.
bool parts(
    Stack& stack,
    Kept& kept,
    const at::Tensor& x,
    int64_t dim,
    std::vector<at::Tensor> out) {
  std::vector<int64_t> along;
  for (const at::Tensor& part : out) {
    along.push_back(part.size(dim));
  }
  kept = {at::maybe_wrap_dim(dim, x.dim()), sizes_of(x), std::move(along)};
  stack.clear();
  stack.emplace_back(std::move(out));
  return true;
}
bool split(Stack& stack, Wanted, Kept& kept) {
  if (!is_plain(stack[0])) {
    return false;
  }
  const at::Tensor x = stack[0].toTensor();
  const int64_t dim = stack[2].toInt();
  return parts(stack, kept, x, dim, at::split(x, stack[1].toInt(), dim));
}
bool split_with_sizes(Stack& stack, Wanted, Kept& kept) {
  if (!is_plain(stack[0])) {
    return false;
  }
  const at::Tensor x = stack[0].toTensor();
  const int64_t dim = stack[2].toInt();
  return parts(
      stack, kept, x, dim, at::split_with_sizes(x, to_sizes(stack[1]), dim));
}
bool chunk(Stack& stack, Wanted, Kept& kept) {
  if (!is_plain(stack[0])) {
    return false;
  }
  const at::Tensor x = stack[0].toTensor();
  const int64_t dim = stack[2].toInt();
  return parts(stack, kept, x, dim, at::chunk(x, stack[1].toInt(), dim));
}
at::Tensor some_gradient(const BackwardCall& call) {
  return *std::ranges::find_if(call.gradients, &at::Tensor::defined);
}
void parts_backward(const BackwardCall& call) {
  const int64_t dim = call.kept[0].toInt();
  std::vector<int64_t> sizes = to_sizes(call.kept[1]);
  const std::vector<int64_t> along = to_sizes(call.kept[2]);
  const at::TensorOptions options = some_gradient(call).options();
  std::vector<at::Tensor> all;
  for (const auto i : c10::irange(along.size())) {
    const bool is_here =
        i < call.gradients.size() && call.gradients[i].defined();
    sizes[dim] = along[i];
    all.push_back(is_here ? call.gradients[i] : at::zeros(sizes, options));
  }
  call.give(0, at::cat(all, dim));
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
  const at::Tensor any = some_gradient(call);
  std::vector<at::Tensor> all;
  for (const auto i : c10::irange(call.kept[1].toInt())) {
    const bool is_here = i < static_cast<int64_t>(call.gradients.size()) &&
                         call.gradients[i].defined();
    all.push_back(
        is_here ? call.gradients[i] : at::zeros(any.sizes(), any.options()));
  }
  call.give(0, at::stack(all, call.kept[0].toInt()));
}

// Several tensors into one. Positions are those of the list's items.

/// The items, if all that are wanted are of the type of the result.
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
      return false;  // an empty tensor of one dimension goes with all others
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
    {"aten::view", view, reshaped_backward},
    {"aten::_unsafe_view", unsafe_view, reshaped_backward},
    {"aten::reshape", reshape, reshaped_backward},
    {"aten::flatten.using_ints", flatten, reshaped_backward},
    {"aten::unflatten.int", unflatten, reshaped_backward},
    {"aten::unsqueeze", unsqueeze, reshaped_backward},
    {"aten::squeeze", squeeze, reshaped_backward},
    {"aten::squeeze.dim", squeeze_dim, reshaped_backward},
    {"aten::alias", alias, passes_on},
    {"aten::contiguous", contiguous, passes_on},
    {"aten::clone", clone, passes_on},
    {"aten::to.dtype", to_dtype, cast_backward},
    {"aten::to.device", to_device, cast_backward},
    {"aten::to.dtype_layout", to_layout, cast_backward},
    {"aten::transpose.int", transpose, transpose_backward},
    {"aten::t", t, t_backward},
    {"aten::permute", permute, permute_backward},
    {"aten::expand", expand, expand_backward},
    {"aten::slice.Tensor", slice, slice_backward},
    {"aten::select.int", select, select_backward},
    {"aten::split.Tensor", split, parts_backward},
    {"aten::split_with_sizes", split_with_sizes, parts_backward},
    {"aten::chunk", chunk, parts_backward},
    {"aten::unbind.int", unbind, unbind_backward},
    {"aten::cat", cat, cat_backward},
    {"aten::stack", stack_tensors, stack_backward},
};

}  // namespace
}  // namespace shape

std::span<const Rule> shape_rules() {
  return shape::kRules;
}

}  // namespace pp
