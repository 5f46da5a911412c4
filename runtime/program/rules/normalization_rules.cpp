#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <ATen/ops/native_group_norm.h>
#include <ATen/ops/native_group_norm_backward.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/native_layer_norm_backward.h>

#include "runtime/program/rules/arguments.h"
#include "runtime/program/rules/norm_gradient.h"
#include "runtime/program/rules/rules.h"

namespace pp {

namespace normalization {
namespace {

/// The tensor that is normalized, and the affine map that follows; weight and
/// bias may be undefined.
struct Inputs {
  at::Tensor x;
  at::Tensor weight;
  at::Tensor bias;

  /// Reads x, weight and bias from these positions.
  Inputs(const Stack& stack, const Positions& positions)
      : x(stack[positions[0]].toTensor()),
        weight(optional_tensor(stack[positions[1]])),
        bias(optional_tensor(stack[positions[2]])) {}

  /// Whether x is plain and weight and bias, where given, have its type.
  bool have_one_type() const {
    return is_plain(x) && (!weight.defined() || same_type(x, weight)) &&
           (!bias.defined() || same_type(x, bias));
  }
};

// layer_norm(x, sizes, weight, bias, eps, cudnn)
constexpr Positions kLayerNormInputs{0, 2, 3};

bool layer_norm(Stack& stack, Wanted, Kept& kept) {
  const Inputs inputs(stack, kLayerNormInputs);
  if (!inputs.have_one_type()) {
    return false;
  }
  const auto& [x, weight, bias] = inputs;
  auto [out, mean, rstd] = at::native_layer_norm(
      x, to_sizes(stack[1]), weight, bias, stack[4].toDouble());
  kept = {x, stack[1], std::move(mean), std::move(rstd), weight, bias};
  return result(stack, std::move(out));
}

void layer_norm_backward(const BackwardCall& call) {
  const Kept& k = call.kept;
  give_three(
      call,
      at::native_layer_norm_backward(
          call.gradient(),
          k[0].toTensor(),
          to_sizes(k[1]),
          k[2].toTensor(),
          k[3].toTensor(),
          k[4].toTensor(),
          k[5].toTensor(),
          mask_of(call.wanted, kLayerNormInputs)),
      kLayerNormInputs);
}

// group_norm(x, groups, weight, bias, eps, cudnn)
constexpr Positions kGroupNormInputs{0, 2, 3};

bool group_norm(Stack& stack, Wanted, Kept& kept) {
  const Inputs inputs(stack, kGroupNormInputs);
  const auto& [x, weight, bias] = inputs;
  if (!inputs.have_one_type() || !x.device().is_cpu() || x.dim() < 2 ||
      !x.is_contiguous()) {
    return false;
  }
  const int64_t n = x.size(0);
  const int64_t channels = x.size(1);
  const int64_t groups = stack[1].toInt();
  if (n == 0 || channels == 0 || groups == 0 || channels % groups != 0) {
    return false;
  }
  const int64_t area = x.numel() / (n * channels);
  auto [out, mean, rstd] = at::native_group_norm(
      x, weight, bias, n, channels, area, groups, stack[4].toDouble());
  kept = {x, std::move(mean), std::move(rstd), weight, area, groups};
  return result(stack, std::move(out));
}

void group_norm_backward(const BackwardCall& call) {
  const Kept& k = call.kept;
  const at::Tensor& x = k[0].toTensor();
  give_three(
      call,
      at::native_group_norm_backward(
          call.gradient().contiguous(),
          x,
          k[1].toTensor(),
          k[2].toTensor(),
          k[3].toTensor(),
          x.size(0),
          x.size(1),
          k[4].toInt(),
          k[5].toInt(),
          mask_of(call.wanted, kGroupNormInputs)),
      kGroupNormInputs);
}

// batch_norm(x, weight, bias, mean, var, training, momentum, eps, cudnn)
constexpr Positions kBatchNormInputs{0, 1, 2};

bool batch_norm(Stack& stack, Wanted, Kept& kept) {
  const Inputs inputs(stack, kBatchNormInputs);
  const auto& [x, weight, bias] = inputs;
  // Other devices have their own kernels for it.
  if (!inputs.have_one_type() || !x.device().is_cpu() || x.numel() == 0) {
    return false;
  }
  const at::Tensor mean = optional_tensor(stack[3]);
  const at::Tensor var = optional_tensor(stack[4]);
  const bool training = stack[5].toBool();
  const double eps = stack[7].toDouble();
  auto [out, save_mean, save_invstd] = at::native_batch_norm(
      x, weight, bias, mean, var, training, stack[6].toDouble(), eps);
  kept = {
      x,
      weight,
      training ? at::Tensor() : mean,
      training ? at::Tensor() : var,
      std::move(save_mean),
      std::move(save_invstd),
      training,
      eps};
  return result(stack, std::move(out));
}

void batch_norm_backward(const BackwardCall& call) {
  const Kept& k = call.kept;
  const at::Tensor& x = k[0].toTensor();
  give_three(
      call,
      at::native_batch_norm_backward(
          NormInputLayout(x).readable(call.gradient()),
          x,
          k[1].toTensor(),
          k[2].toTensor(),
          k[3].toTensor(),
          k[4].toTensor(),
          k[5].toTensor(),
          k[6].toBool(),
          k[7].toDouble(),
          mask_of(call.wanted, kBatchNormInputs)),
      kBatchNormInputs);
}

constexpr Rule kRules[] = {
    {"aten::layer_norm", layer_norm, layer_norm_backward},
    {"aten::group_norm", group_norm, group_norm_backward},
    {"aten::batch_norm", batch_norm, batch_norm_backward},
};

}  // namespace
}  // namespace normalization

std::span<const Rule> normalization_rules() {
  return normalization::kRules;
}

}  // namespace pp
