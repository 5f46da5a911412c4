// Activation functions.
#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <ATen/ops/hardsigmoid.h>
#include <ATen/ops/hardsigmoid_backward.h>
#include <ATen/ops/hardswish.h>
#include <ATen/ops/hardswish_backward.h>
#include <ATen/ops/hardtanh.h>
#include <ATen/ops/hardtanh_backward.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/leaky_relu_backward.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sigmoid_backward.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tanh_backward.h>
#include <ATen/ops/threshold_backward.h>

#include "runtime/program/rules/rules.h"
#include "runtime/program/rules/unary.h"

namespace pp {

namespace activation {
namespace {

at::Tensor relu_gradient(const at::Tensor& g, const at::Tensor& result) {
  return at::threshold_backward(g, result, 0);
}

// gelu(x, approximate)
at::Tensor gelu(const Kept& arguments) {
  return at::gelu(arguments[0].toTensor(), arguments[1].toStringView());
}
at::Tensor gelu_gradient(const at::Tensor& g, const Kept& arguments) {
  return at::gelu_backward(
      g, arguments[0].toTensor(), arguments[1].toStringView());
}

// leaky_relu(x, slope)
at::Tensor leaky_relu(const Kept& arguments) {
  return at::leaky_relu(arguments[0].toTensor(), arguments[1].toScalar());
}
at::Tensor leaky_relu_gradient(const at::Tensor& g, const Kept& arguments) {
  return at::leaky_relu_backward(
      g, arguments[0].toTensor(), arguments[1].toScalar(), false);
}

// hardtanh(x, lowest, highest)
at::Tensor hardtanh(const Kept& arguments) {
  return at::hardtanh(
      arguments[0].toTensor(),
      arguments[1].toScalar(),
      arguments[2].toScalar());
}
at::Tensor hardtanh_gradient(const at::Tensor& g, const Kept& arguments) {
  return at::hardtanh_backward(
      g,
      arguments[0].toTensor(),
      arguments[1].toScalar(),
      arguments[2].toScalar());
}

/// relu6(x) is hardtanh(x, 0, 6).
bool relu6(Stack& stack, Wanted wanted, Kept& kept) {
  if (!is_plain(stack[0])) {
    return false;
  }
  stack.emplace_back(0);
  stack.emplace_back(6);
  return keeps_arguments<hardtanh>(stack, wanted, kept);
}

constexpr Rule kRules[] = {
    {"aten::tanh", keeps_result<at::tanh>, from_tensor<at::tanh_backward>},
    {"aten::sigmoid",
     keeps_result<at::sigmoid>,
     from_tensor<at::sigmoid_backward>},
    {"aten::relu", keeps_result<at::relu>, from_tensor<relu_gradient>},
    {"aten::relu6", relu6, from_arguments<hardtanh_gradient>},
    {"aten::silu", keeps_input<at::silu>, from_tensor<at::silu_backward>},
    {"aten::hardswish",
     keeps_input<at::hardswish>,
     from_tensor<at::hardswish_backward>},
    {"aten::hardsigmoid",
     keeps_input<at::hardsigmoid>,
     from_tensor<at::hardsigmoid_backward>},
    {"aten::gelu", keeps_arguments<gelu>, from_arguments<gelu_gradient>},
    {"aten::leaky_relu",
     keeps_arguments<leaky_relu>,
     from_arguments<leaky_relu_gradient>},
    {"aten::hardtanh",
     keeps_arguments<hardtanh>,
     from_arguments<hardtanh_gradient>},
};

}  // namespace
}  // namespace activation

std::span<const Rule> activation_rules() {
  return activation::kRules;
}

}  // namespace pp
