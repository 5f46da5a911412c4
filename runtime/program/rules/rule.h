#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>
#include <c10/util/FunctionRef.h>

namespace pp {

/// Tensors, sizes and numbers that a call keeps for its backward, in an order
/// that its rule defines.
using Kept = std::vector<c10::IValue>;

/// For each input of a call, whether its gradient is wanted. Each item of a
/// list argument counts as an input; so does every other argument.
using Wanted = std::span<const uint8_t>;

/// The arguments of a rule's backward for one call of the operator.
struct BackwardCall {
  const Kept& kept;
  /// Gradients of the results, in the operator's order. A gradient is undefined
  /// if none arrived; at least one is defined.
  std::span<const at::Tensor> gradients;
  Wanted wanted;
  /// Adds a gradient of the input at `position`, which must be wanted. It has
  /// that input's shape and type.
  c10::function_ref<void(size_t position, at::Tensor gradient)> give;
  /// Adds the matrix product of a and b as a gradient at a wanted position. The
  /// product may be accumulated directly into the sum.
  c10::function_ref<void(
      size_t position, const at::Tensor& a, const at::Tensor& b)>
      give_product;

  const at::Tensor& gradient() const { return gradients.front(); }
};

/// Differentiates an operator. A rule calls the kernels that LibTorch's
/// autograd calls, in the same order, so the results have the same bits. It
/// builds no autograd graph at run time. rules.h says how to add a rule.
struct Rule {
  /// Pops the operator's arguments, in schema order, from the stack and pushes
  /// its results. Runs below autograd. Returns false if the rule doesn't cover
  /// the call (its types, its layout, an option); then the stack is unchanged,
  /// and autograd differentiates the call.
  using Forward = bool (*)(torch::jit::Stack& stack, Wanted wanted, Kept& kept);
  /// Gives the wanted gradients. It is called once, or twice with different
  /// inputs wanted each time.
  using Backward = void (*)(const BackwardCall& call);

  const char* name;  ///< "aten::add.Tensor"
  Forward forward;
  Backward backward;
};

}  // namespace pp
