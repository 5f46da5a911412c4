#include "loader/torchscript/lower/operator_hints.h"

#include <algorithm>
#include <array>

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/empty_strided.h>

namespace pp::ts {

namespace {

/// Operators whose result has the element type and sizes of their first
/// argument.
constexpr std::array<std::string_view, 13> kLikeFirst = {
    "aten::relu",
    "aten::relu_",
    "aten::relu6",
    "aten::hardtanh",
    "aten::hardtanh_",
    "aten::hardswish",
    "aten::hardswish_",
    "aten::batch_norm",
    "aten::group_norm",
    "aten::instance_norm",
    "aten::layer_norm",
    "aten::dropout",
    "aten::feature_dropout",
};

/// Sizes of the result of a convolution that is not transposed. Its arguments
/// are (input, weight, bias, stride, padding, dilation, ...), with one stride,
/// padding and dilation per dimension.
std::optional<std::vector<int64_t>> try_convolution_sizes(
    const std::vector<c10::IValue>& arguments) {
  if (arguments.size() < 6 || !arguments[1].isTensor()) {
    return std::nullopt;
  }
  const at::Tensor input = arguments[0].toTensor();
  const at::Tensor weight = arguments[1].toTensor();
  const int64_t dims = weight.dim() - 2;
  for (size_t i = 3; i < 6; ++i) {
    if (!arguments[i].isIntList() ||
        std::ssize(arguments[i].toIntVector()) != dims) {
      return std::nullopt;
    }
  }
  if (dims < 1 || input.dim() != dims + 2) {
    return std::nullopt;
  }
  std::vector<int64_t> out{input.size(0), weight.size(0)};
  for (int64_t i = 0; i < dims; ++i) {
    const auto at = static_cast<size_t>(i);
    const int64_t stride = arguments[3].toIntVector()[at];
    const int64_t padding = arguments[4].toIntVector()[at];
    const int64_t dilation = arguments[5].toIntVector()[at];
    const int64_t room = input.size(i + 2) + 2 * padding -
                         dilation * (weight.size(i + 2) - 1) - 1;
    if (stride < 1 || room < 0) {
      return std::nullopt;
    }
    out.push_back(room / stride + 1);
  }
  return out;
}

bool is_convolution(
    std::string_view name, const std::vector<c10::IValue>& arguments) {
  if (name == "aten::_convolution" || name == "aten::convolution") {
    return arguments.size() > 6 && arguments[6].isBool() &&
           !arguments[6].toBool();
  }
  return name == "aten::conv1d" || name == "aten::conv2d" ||
         name == "aten::conv3d";
}

/// Sizes of the result of an operator that is not in kLikeFirst. The first
/// argument is a tensor.
std::optional<std::vector<int64_t>> try_result_sizes(
    std::string_view name, const std::vector<c10::IValue>& arguments) {
  const at::Tensor first = arguments[0].toTensor();
  std::vector<int64_t> sizes = first.sizes().vec();
  if (name == "aten::embedding" && arguments.size() > 1 &&
      arguments[1].isTensor() && first.dim() == 2) {
    sizes = arguments[1].toTensor().sizes().vec();
    sizes.push_back(first.size(1));
    return sizes;
  }
  if (name == "aten::scaled_dot_product_attention" && arguments.size() > 2 &&
      arguments[2].isTensor() && first.dim() > 0) {
    sizes.back() = arguments[2].toTensor().size(-1);
    return sizes;
  }
  if (is_convolution(name, arguments)) {
    return try_convolution_sizes(arguments);
  }
  if (name == "aten::adaptive_avg_pool2d" && arguments.size() > 1 &&
      arguments[1].isIntList() && arguments[1].toIntVector().size() == 2 &&
      first.dim() >= 2) {
    std::ranges::copy(arguments[1].toIntVector(), sizes.end() - 2);
    return sizes;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::vector<c10::IValue>> try_operator_hints(
    std::string_view operator_name, const std::vector<c10::IValue>& arguments) {
  if (arguments.empty() || !arguments[0].isTensor() ||
      !arguments[0].toTensor().defined()) {
    return std::nullopt;
  }
  const at::Tensor first = arguments[0].toTensor();
  if (std::ranges::find(kLikeFirst, operator_name) != kLikeFirst.end()) {
    return std::vector<c10::IValue>{at::empty_like(first)};
  }
  const auto sizes = try_result_sizes(operator_name, arguments);
  if (!sizes) {
    return std::nullopt;
  }
  return std::vector<c10::IValue>{at::empty(*sizes, first.options())};
}

at::Tensor to_meta(const at::Tensor& tensor) {
  return at::empty_strided(
      tensor.sizes(), tensor.strides(), tensor.options().device(at::kMeta));
}

}  // namespace pp::ts
