#include "runtime/program/rules/norm_gradient.h"

#include <algorithm>
#include <array>

namespace pp {

namespace {

bool is_dense_layout(const at::Tensor& tensor) {
  return tensor.is_contiguous() ||
         tensor.is_contiguous(at::MemoryFormat::ChannelsLast) ||
         tensor.is_contiguous(at::MemoryFormat::ChannelsLast3d);
}

bool is_instance_norm(const c10::OperatorHandle& op) {
  return op.operator_name().name == "aten::instance_norm";
}

}  // namespace

NormInputLayout::NormInputLayout(const at::Tensor& x)
    : is_on_cpu(x.device().is_cpu()),
      is_contiguous(x.is_contiguous()),
      is_dense(is_dense_layout(x)),
      suggested(x.suggest_memory_format()) {}

at::Tensor NormInputLayout::readable(const at::Tensor& gradient) const {
  if (!is_on_cpu || !is_dense || is_contiguous == gradient.is_contiguous() ||
      suggested != gradient.suggest_memory_format() ||
      !is_dense_layout(gradient)) {
    return gradient;
  }
  if (is_contiguous) {
    return gradient.contiguous();
  }
  // The kernel is right if both of its tests see two different formats.
  return gradient.contiguous(
      gradient.dim() == 5 ? at::MemoryFormat::ChannelsLast3d
                          : at::MemoryFormat::ChannelsLast);
}

bool has_batch_norm_backward(std::string_view target) {
  constexpr std::array<std::string_view, 7> kTargets = {
      "aten.batch_norm.default",
      "aten.instance_norm.default",
      "aten.native_batch_norm.default",
      "aten._native_batch_norm_legit.default",
      "aten._native_batch_norm_legit.no_stats",
      "aten._native_batch_norm_legit_functional.default",
      "aten._native_batch_norm_legit_no_training.default",
  };
  return std::ranges::find(kTargets, target) != kTargets.end();
}

void call_batch_norm(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const at::Tensor x =
      torch::jit::peek(stack, 0, op.schema().arguments().size()).toTensor();
  const size_t first = stack.size() - op.schema().arguments().size();
  const NormInputLayout layout(x);
  op.callBoxed(stack);
  const at::Tensor out = stack[first].toTensor();
  if (!out.requires_grad() || !layout.is_on_cpu) {
    return;
  }
  if (is_instance_norm(op)) {
    // The operator packs the channels of all rows into one row and calls batch
    // norm. A view of the gradient as one row may have the strides for which
    // the kernel's two tests disagree.
    out.register_hook(
        [](const at::Tensor& gradient) { return gradient.contiguous(); });
  } else {
    out.register_hook([layout](const at::Tensor& gradient) {
      return layout.readable(gradient);
    });
  }
}

}  // namespace pp
