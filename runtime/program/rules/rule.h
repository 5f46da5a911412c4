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

/// One flag per input of a call: whether its gradient is wanted. A list
/// argument stands for its items; other arguments have one position each.
using Wanted = std::span<const uint8_t>;

/// The backward of one call.
struct BackwardCall {
  const Kept& kept;
  /// Gradients of the results, in the operator's order. Undefined where none
  /// arrived; at least one did.
  std::span<const at::Tensor> gradients;
  Wanted wanted;
  /// Adds a gradient, of the input's shape and type, at a wanted position.
  c10::function_ref<void(size_t position, at::Tensor gradient)> give;
  /// Adds the matrix product of a and b at a wanted position; the product may
  /// be accumulated into the sum directly.
  c10::function_ref<void(
      size_t position, const at::Tensor& a, const at::Tensor& b)>
      give_product;

  const at::Tensor& gradient() const { return gradients.front(); }
};

/// How to differentiate an operator. A rule calls the kernels that LibTorch's
/// autograd calls, in the same order, so the results have the same bits, but it
/// doesn't build autograd's graph at run time. rules.h says how to add one.
struct Rule {
  /// Pops the arguments, in schema order, from the stack and pushes the
  /// results. It runs below autograd. Returns false if the rule doesn't cover
  /// this call (its types, its layout, an option); then the stack is unchanged
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
