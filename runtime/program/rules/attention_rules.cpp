#include <limits>
#include <optional>

#include <ATen/SDPBackend.h>
#include <ATen/ops/_fused_sdp_choice.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/where.h>

#include "runtime/program/rules/arguments.h"
#include "runtime/program/rules/rules.h"

namespace pp {

namespace attention {
namespace {

std::optional<at::Tensor> tensor_if_given(const c10::IValue& value) {
  return is_given(value) ? std::optional(value.toTensor()) : std::nullopt;
}

/// Turns a boolean mask into what LibTorch's kernel adds to the scores. A mask
/// of numbers already is that.
std::optional<at::Tensor> additive(
    const std::optional<at::Tensor>& mask, const at::Tensor& query) {
  if (!mask || mask->scalar_type() != at::kBool) {
    return mask;
  }
  const auto options = query.options();
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  return at::where(
      *mask,
      at::scalar_tensor(0.0, options),
      at::scalar_tensor(kNever, options));
}

/// scaled_dot_product_attention(q, k, v, mask, p, causal, *, scale, gqa) where
/// LibTorch chooses its fused CPU kernel. LibTorch names that kernel for
/// tensors of other than 4 dimensions too, but the kernel itself refuses them.
bool attention(Stack& stack, Wanted wanted, Kept& kept) {
  const at::Tensor q = stack[0].toTensor();
  const at::Tensor k = stack[1].toTensor();
  const at::Tensor v = stack[2].toTensor();
  const bool causal = stack[5].toBool();
  const auto scale = stack[6].toOptional<double>();
  const bool grouped = stack[7].toBool();
  if (!is_plain(q) || !is_plain(k) || !is_plain(v) || !q.device().is_cpu() ||
      stack[4].toDouble() != 0 || grouped || wanted[3] != 0 || q.dim() != 4 ||
      k.dim() != 4 || v.dim() != 4) {
    return false;
  }
  std::optional<at::Tensor> mask = tensor_if_given(stack[3]);
  const int64_t choice =
      at::_fused_sdp_choice(q, k, v, mask, 0, causal, scale, grouped);
  if (choice != static_cast<int64_t>(at::SDPBackend::flash_attention)) {
    return false;
  }
  mask = additive(mask, q);
  auto [out, logsumexp] = at::_scaled_dot_product_flash_attention_for_cpu(
      q, k, v, 0, causal, mask, scale);
  kept = {q, k, v, out, std::move(logsumexp), causal, mask, stack[6]};
  return result(stack, std::move(out));
}

void attention_backward(const BackwardCall& call) {
  const Kept& kept = call.kept;
  give_three(
      call,
      at::_scaled_dot_product_flash_attention_for_cpu_backward(
          call.gradient(),
          kept[0].toTensor(),
          kept[1].toTensor(),
          kept[2].toTensor(),
          kept[3].toTensor(),
          kept[4].toTensor(),
          0,
          kept[5].toBool(),
          tensor_if_given(kept[6]),
          kept[7].toOptional<double>()),
      {0, 1, 2});
}

constexpr Rule kRules[] = {
    {"aten::scaled_dot_product_attention", attention, attention_backward},
};

}  // namespace
}  // namespace attention

std::span<const Rule> attention_rules() {
  return attention::kRules;
}

}  // namespace pp
