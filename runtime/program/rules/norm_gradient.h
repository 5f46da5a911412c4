#pragma once

#include <string_view>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

// Works around an error in LibTorch's CPU kernel for the backward of batch
// norm. The kernel decides twice how x and the gradient are laid out: with
// suggest_memory_format(), which looks at the strides of all dimensions, and
// with is_contiguous(), which ignores the strides of dimensions of size 1. A
// gradient of one row with strides (C, 1, W*C, C) is NCHW for one test and NHWC
// for the other, and the kernel then reads it in the order of x. Rows, heights
// and widths of 1 give such strides.

namespace pp {

/// The properties of a batch norm's input on which the kernel's decisions
/// depend.
struct NormInputLayout {
  bool is_on_cpu = false;
  bool is_contiguous = false;
  bool is_dense = false;  ///< contiguous in some memory format
  at::MemoryFormat suggested = at::MemoryFormat::Contiguous;

  explicit NormInputLayout(const at::Tensor& x);

  /// Returns `gradient`, which belongs to the batch norm's result, or a copy of
  /// it in a layout that the kernel reads correctly together with this input.
  at::Tensor readable(const at::Tensor& gradient) const;
};

/// Whether autograd differentiates this operator with the batch norm kernel, as
/// it does "aten.instance_norm.default".
bool has_batch_norm_backward(std::string_view target);

/// Calls, through the dispatcher, an operator for which
/// has_batch_norm_backward() is true. In the backward, the kernel then gets the
/// gradient of the result in a layout that it reads correctly.
void call_batch_norm(const c10::OperatorHandle& op, torch::jit::Stack& stack);

}  // namespace pp
