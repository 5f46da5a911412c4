#pragma once

// Functions that the rules share: they read arguments, check that a call has
// plain tensors, and bring a gradient into an input's shape.

#include <array>
#include <tuple>
#include <utility>

#include <ATen/ExpandUtils.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>

#include "runtime/program/rules/rule.h"

namespace pp {

using torch::jit::Stack;

/// Whether the tensor is dense, strided and of a real floating-point type.
inline bool is_plain(const at::Tensor& tensor) {
  return tensor.defined() && tensor.layout() == at::kStrided &&
         at::isFloatingType(tensor.scalar_type()) && !tensor.is_nested();
}

inline bool is_plain(const c10::IValue& value) {
  return value.isTensor() && is_plain(value.toTensor());
}

/// Returns the first argument; null if it isn't a plain tensor.
inline const at::Tensor* plain_input(const Stack& stack) {
  return is_plain(stack[0]) ? &stack[0].toTensor() : nullptr;
}

/// Whether an optional tensor argument is given, that is, neither None nor
/// undefined.
inline bool is_given(const c10::IValue& value) {
  return value.isTensor() && value.toTensor().defined();
}

inline at::Tensor optional_tensor(const c10::IValue& value) {
  return value.isTensor() ? value.toTensor() : at::Tensor();
}

inline bool same_type(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type();
}

/// Whether every input whose gradient is wanted has the type of the result, so
/// that its gradient needs no cast.
inline bool have_result_type(
    const at::Tensor& a,
    const at::Tensor& b,
    const at::Tensor& out,
    Wanted wanted) {
  return (wanted[0] == 0 || same_type(a, out)) &&
         (wanted[1] == 0 || same_type(b, out));
}

/// Leaves `out` as the only result on the stack. Returns true, as a forward
/// does.
inline bool result(Stack& stack, at::Tensor out) {
  stack.clear();
  stack.emplace_back(std::move(out));
  return true;
}

/// Returns the tensor if the backward needs it, otherwise None, for
/// BackwardCall::kept.
inline c10::IValue kept_if(bool needed, const at::Tensor& tensor) {
  return needed ? c10::IValue(tensor) : c10::IValue();
}

inline c10::IValue sizes_of(const at::Tensor& tensor) {
  return tensor.sizes();
}

inline std::vector<int64_t> to_sizes(const c10::IValue& value) {
  return value.toIntVector();
}

/// Returns the sizes of `input` if it was broadcast to `out`, otherwise None.
inline c10::IValue sizes_if_broadcast(
    const at::Tensor& input, const at::Tensor& out) {
  return input.sizes() == out.sizes() ? c10::IValue() : sizes_of(input);
}

/// Sums a gradient over the dimensions that were broadcast. `sizes` is the
/// result of sizes_if_broadcast().
inline at::Tensor reduced(at::Tensor gradient, const c10::IValue& sizes) {
  return sizes.isNone() ? std::move(gradient)
                        : at::sum_to(std::move(gradient), to_sizes(sizes));
}

/// The positions of the three inputs whose gradients one kernel computes.
using Positions = std::array<size_t, 3>;

/// Returns which of the three gradients the kernel has to compute.
inline std::array<bool, 3> mask_of(Wanted wanted, const Positions& positions) {
  return {
      wanted[positions[0]] != 0,
      wanted[positions[1]] != 0,
      wanted[positions[2]] != 0};
}

/// Calls `call.give` with each wanted one of a kernel's three gradients.
inline void give_three(
    const BackwardCall& call,
    const std::tuple<at::Tensor, at::Tensor, at::Tensor>& gradients,
    const Positions& positions) {
  const auto& [first, second, third] = gradients;
  const std::array<const at::Tensor*, 3> all{&first, &second, &third};
  for (size_t i = 0; i < all.size(); ++i) {
    if (call.wanted[positions[i]]) {
      call.give(positions[i], *all[i]);
    }
  }
}

/// The backward of an operator that returns its input or the same elements in
/// another shape.
inline void passes_on(const BackwardCall& call) {
  call.give(0, call.gradient());
}

}  // namespace pp
