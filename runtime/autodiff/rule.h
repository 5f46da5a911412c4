#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>
#include <c10/util/FunctionRef.h>

namespace pp {

/// What a call keeps for its backward: tensors, sizes and numbers, as its rule
/// lays them out.
using Kept = std::vector<c10::IValue>;

/// By position among a call's inputs: whether a gradient is to go there. A
/// list argument stands for its items; other arguments have one position each.
using Wanted = std::span<const uint8_t>;

/// One call on its way back.
struct BackwardCall {
  const Kept& kept;
  /// Of the results, in the operator's order; undefined where none arrived, but
  /// not all of them.
  std::span<const at::Tensor> gradients;
  Wanted wanted;
  /// Adds a gradient of the input's shape and type at a wanted position.
  c10::function_ref<void(size_t position, at::Tensor gradient)> give;
  /// The same with the matrix product a b, which may go straight into what it
  /// is added to.
  c10::function_ref<void(
      size_t position, const at::Tensor& a, const at::Tensor& b)>
      give_product;

  const at::Tensor& gradient() const { return gradients.front(); }
};

/// How to differentiate an operator: the same kernels as LibTorch's autograd
/// calls, in the same order, so that the bits are the same; but without the
/// graph that autograd builds at run time.
struct Rule {
  /// Takes the arguments in schema order from the stack and leaves the results.
  /// Runs below autograd. False: this call is none it knows (its types, its
  /// layout, an option); then the stack is as before, and autograd does it.
  using Forward = bool (*)(torch::jit::Stack& stack, Wanted wanted, Kept& kept);
  /// Asked once for a gradient, or twice, for some inputs each.
  using Backward = void (*)(const BackwardCall& call);

  const char* name;  ///< "aten::add.Tensor"
  Forward forward;
  Backward backward;
};

}  // namespace pp
