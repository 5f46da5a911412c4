#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>

#include "runtime/program/rules/arguments.h"
#include "runtime/program/rules/rules.h"

namespace pp {

namespace convolution {
namespace {

/// conv1d, conv2d, conv3d(x, weight, bias, stride, padding, dilation, groups)
/// where x is a batch. A list of one number stands for all dimensions.
template <int64_t kDims>
bool convolution(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor x = stack[0].toTensor();
  const at::Tensor weight = stack[1].toTensor();
  const at::Tensor bias = optional_tensor(stack[2]);
  if (!is_plain(x) || !is_plain(weight) || !same_type(x, weight) ||
      (bias.defined() && !same_type(x, bias)) || x.dim() != kDims + 2) {
    return false;
  }
  const auto one_per_dimension = [](const c10::IValue& value) {
    std::vector<int64_t> list = to_sizes(value);
    return list.size() == 1 ? std::vector<int64_t>(kDims, list.front()) : list;
  };
  const std::vector<int64_t> stride = one_per_dimension(stack[3]);
  const std::vector<int64_t> padding = one_per_dimension(stack[4]);
  const std::vector<int64_t> dilation = one_per_dimension(stack[5]);
  const int64_t groups = stack[6].toInt();
  at::Tensor out = at::convolution(
      x,
      weight,
      bias,
      stride,
      padding,
      dilation,
      /*transposed=*/false,
      std::vector<int64_t>(kDims, 0),
      groups);
  kept = {
      x,
      weight,
      bias.defined() ? sizes_of(bias) : c10::IValue(),
      stride,
      padding,
      dilation,
      groups};
  return result(stack, std::move(out));
}

template <int64_t kDims>
void convolution_backward(const BackwardCall& call) {
  const Kept& k = call.kept;
  const std::vector<int64_t> bias_sizes =
      k[2].isNone() ? std::vector<int64_t>{0} : to_sizes(k[2]);
  constexpr Positions kInputs{0, 1, 2};
  give_three(
      call,
      at::convolution_backward(
          call.gradient(),
          k[0].toTensor(),
          k[1].toTensor(),
          at::OptionalIntArrayRef(bias_sizes),
          to_sizes(k[3]),
          to_sizes(k[4]),
          to_sizes(k[5]),
          /*transposed=*/false,
          std::vector<int64_t>(kDims, 0),
          k[6].toInt(),
          mask_of(call.wanted, kInputs)),
      kInputs);
}

constexpr Rule kRules[] = {
    {"aten::conv1d", convolution<1>, convolution_backward<1>},
    {"aten::conv2d", convolution<2>, convolution_backward<2>},
    {"aten::conv3d", convolution<3>, convolution_backward<3>},
};

}  // namespace
}  // namespace convolution

std::span<const Rule> convolution_rules() {
  return convolution::kRules;
}

}  // namespace pp
