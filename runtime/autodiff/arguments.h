#pragma once

// What the rules share: reading arguments, checking that a call is of the plain
// kind, bringing a gradient into an input's shape.

#include <array>
#include <tuple>
#include <utility>

#include <ATen/ExpandUtils.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>

#include "runtime/autodiff/rule.h"

namespace pp {

using torch::jit::Stack;

/// Dense, strided, real floating point.
inline bool is_plain(const at::Tensor& tensor) {
  return tensor.defined() && tensor.layout() == at::kStrided &&
         at::isFloatingType(tensor.scalar_type()) && !tensor.is_nested();
}

inline bool is_plain(const c10::IValue& value) {
  return value.isTensor() && is_plain(value.toTensor());
}

/// None and undefined tensors both stand for an argument that is not given.
inline bool is_given(const c10::IValue& value) {
  return value.isTensor() && value.toTensor().defined();
}

inline at::Tensor optional_tensor(const c10::IValue& value) {
  return value.isTensor() ? value.toTensor() : at::Tensor();
}

inline bool same_type(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type();
}

/// Leaves one result.
inline bool result(Stack& stack, at::Tensor out) {
  stack.clear();
  stack.emplace_back(std::move(out));
  return true;
}

/// The tensor if it has to be kept, else nothing.
inline c10::IValue kept_if(bool needed, const at::Tensor& tensor) {
  return needed ? c10::IValue(tensor) : c10::IValue();
}

inline c10::IValue sizes_of(const at::Tensor& tensor) {
  return tensor.sizes();
}

inline std::vector<int64_t> to_sizes(const c10::IValue& value) {
  return value.toIntVector();
}

/// The sizes of an input that was broadcast, else nothing.
inline c10::IValue sizes_if_broadcast(
    const at::Tensor& input, const at::Tensor& out) {
  return input.sizes() == out.sizes() ? c10::IValue() : sizes_of(input);
}

/// Sums a gradient over what was broadcast, see sizes_if_broadcast().
inline at::Tensor reduced(at::Tensor gradient, const c10::IValue& sizes) {
  return sizes.isNone() ? std::move(gradient)
                        : at::sum_to(std::move(gradient), to_sizes(sizes));
}

/// Where the inputs of three gradients stand that one kernel makes at once.
using Positions = std::array<size_t, 3>;

/// Which of them the kernel is to make.
inline std::array<bool, 3> mask_of(Wanted wanted, const Positions& positions) {
  return {
      wanted[positions[0]] != 0,
      wanted[positions[1]] != 0,
      wanted[positions[2]] != 0};
}

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

/// The backward of what gives its input, or its input's elements.
inline void passes_on(const BackwardCall& call) {
  call.give(0, call.gradient());
}

}  // namespace pp
