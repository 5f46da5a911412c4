#pragma once

#include <string_view>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

// LibTorch's CPU kernel for the backward of batch norm decides twice how x and
// the gradient are laid out: by their strides, where those of dimensions of
// size 1 count (suggest_memory_format), and by is_contiguous(), where they
// don't. A gradient of strides (C, 1, W*C, C) with one row counts as NCHW for
// the first and as NHWC for the second, and the kernel then reads it in the
// order of x. Rows, heights and widths of 1 give such strides.

namespace pp {

/// The layout of a batch norm's input, as far as the kernel looks at it.
struct NormInputLayout {
  bool is_on_cpu = false;
  bool is_contiguous = false;
  bool is_dense = false;  ///< contiguous in some memory format
  at::MemoryFormat suggested = at::MemoryFormat::Contiguous;

  explicit NormInputLayout(const at::Tensor& x);

  /// Returns the gradient of the norm's result, or a copy of it in a layout
  /// that the kernel reads correctly together with this input.
  at::Tensor readable(const at::Tensor& gradient) const;
};

/// Whether autograd differentiates this operator with that kernel, as it does
/// "aten.instance_norm.default".
bool has_batch_norm_backward(std::string_view target);

/// Calls such an operator through the dispatcher. In the backward, autograd
/// then passes the kernel the gradient of its result in a correct layout.
void call_batch_norm(const c10::OperatorHandle& op, torch::jit::Stack& stack);

}  // namespace pp
