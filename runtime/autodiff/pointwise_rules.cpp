#include <ATen/ops/add.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/div.h>
#include <ATen/ops/exp.h>
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
#include <ATen/ops/log.h>
#include <ATen/ops/masked_fill.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sigmoid_backward.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tanh_backward.h>
#include <ATen/ops/threshold_backward.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "runtime/autodiff/arguments.h"
#include "runtime/autodiff/rules.h"

namespace pp {

namespace pointwise {
namespace {

// Functions of one tensor. What is kept: the input or the result.

template <at::Tensor (*kFunction)(const at::Tensor&)>
bool keeps_input(Stack& stack, Wanted, Kept& kept) {
  at::Tensor x = stack[0].toTensor();
  if (!is_plain(x)) {
    return false;
  }
  at::Tensor out = kFunction(x);
  kept = {std::move(x)};
  return result(stack, std::move(out));
}

template <at::Tensor (*kFunction)(const at::Tensor&)>
bool keeps_result(Stack& stack, Wanted, Kept& kept) {
  if (!is_plain(stack[0])) {
    return false;
  }
  at::Tensor out = kFunction(stack[0].toTensor());
  kept = {out};
  return result(stack, std::move(out));
}

template <at::Tensor (*kFunction)(const at::Tensor&)>
bool keeps_nothing(Stack& stack, Wanted, Kept&) {
  return is_plain(stack[0]) && result(stack, kFunction(stack[0].toTensor()));
}

const at::Tensor& kept_tensor(const BackwardCall& call) {
  return call.kept[0].toTensor();
}

/// From the gradient and the tensor that was kept.
template <
    at::Tensor (*kFormula)(const at::Tensor& gradient, const at::Tensor& kept)>
void by_formula(const BackwardCall& call) {
  call.give(0, kFormula(call.gradient(), kept_tensor(call)));
}

at::Tensor exp_gradient(const at::Tensor& g, const at::Tensor& result) {
  return g.mul(result);
}
at::Tensor log_gradient(const at::Tensor& g, const at::Tensor& x) {
  return g.div(x);
}
at::Tensor sqrt_gradient(const at::Tensor& g, const at::Tensor& result) {
  return g.div(result.mul(2));
}
at::Tensor rsqrt_gradient(const at::Tensor& g, const at::Tensor& result) {
  return g.mul(-0.5).mul(result.pow(3));
}
at::Tensor relu_gradient(const at::Tensor& g, const at::Tensor& result) {
  return at::threshold_backward(g, result, 0);
}
at::Tensor cos_gradient(const at::Tensor& g, const at::Tensor& x) {
  return g.mul(x.sin().neg());
}
at::Tensor sin_gradient(const at::Tensor& g, const at::Tensor& x) {
  return g.mul(x.cos());
}
void neg_backward(const BackwardCall& call) {
  call.give(0, call.gradient().neg());
}

bool gelu(Stack& stack, Wanted, Kept& kept) {
  at::Tensor x = stack[0].toTensor();
  if (!is_plain(x)) {
    return false;
  }
  kept = {x, stack[1]};
  return result(stack, at::gelu(x, kept[1].toStringView()));
}
void gelu_backward(const BackwardCall& call) {
  call.give(
      0,
      at::gelu_backward(
          call.gradient(), kept_tensor(call), call.kept[1].toStringView()));
}

bool leaky_relu(Stack& stack, Wanted, Kept& kept) {
  at::Tensor x = stack[0].toTensor();
  if (!is_plain(x)) {
    return false;
  }
  kept = {x, stack[1]};
  return result(stack, at::leaky_relu(x, kept[1].toScalar()));
}
void leaky_relu_backward(const BackwardCall& call) {
  call.give(
      0,
      at::leaky_relu_backward(
          call.gradient(), kept_tensor(call), call.kept[1].toScalar(), false));
}

bool hardtanh(Stack& stack, Wanted, Kept& kept) {
  at::Tensor x = stack[0].toTensor();
  if (!is_plain(x)) {
    return false;
  }
  kept = {x, stack[1], stack[2]};
  return result(stack, at::hardtanh(x, kept[1].toScalar(), kept[2].toScalar()));
}
void hardtanh_backward(const BackwardCall& call) {
  call.give(
      0,
      at::hardtanh_backward(
          call.gradient(),
          kept_tensor(call),
          call.kept[1].toScalar(),
          call.kept[2].toScalar()));
}

bool relu6(Stack& stack, Wanted, Kept& kept) {
  at::Tensor x = stack[0].toTensor();
  if (!is_plain(x)) {
    return false;
  }
  kept = {x, 0, 6};
  return result(stack, at::hardtanh(x, 0, 6));
}

bool pow_scalar(Stack& stack, Wanted, Kept& kept) {
  at::Tensor x = stack[0].toTensor();
  if (!is_plain(x) || stack[1].toScalar().isComplex()) {
    return false;
  }
  kept = {x, stack[1]};
  at::Tensor out = at::pow(x, kept[1].toScalar());
  return same_type(out, x) && result(stack, std::move(out));
}
void pow_scalar_backward(const BackwardCall& call) {
  const at::Tensor& x = kept_tensor(call);
  const at::Scalar exponent = call.kept[1].toScalar();
  if (exponent.equal(0.0)) {
    call.give(0, at::zeros_like(x));
    return;
  }
  const double power = exponent.toDouble();
  call.give(0, call.gradient().mul(x.pow(power - 1).mul(power)));
}

// Functions of two tensors, broadcast to each other.

/// Both of the type of the result; a Python number is of any type.
bool is_plain_pair(const Stack& stack, Wanted wanted) {
  for (size_t i = 0; i < 2; ++i) {
    if (!stack[i].isTensor() || (wanted[i] && !is_plain(stack[i]))) {
      return false;
    }
  }
  return true;
}

bool of_result_type(
    const at::Tensor& a, const at::Tensor& b, const at::Tensor& out, Wanted w) {
  return (!w[0] || same_type(a, out)) && (!w[1] || same_type(b, out));
}

bool has_no_factor(const c10::IValue& alpha) {
  return alpha.toScalar().equal(1.0);
}

template <at::Tensor (*kFunction)(const at::Tensor&, const at::Tensor&)>
bool sum_like(Stack& stack, Wanted wanted, Kept& kept) {
  if (!is_plain_pair(stack, wanted) || !has_no_factor(stack[2])) {
    return false;
  }
  const at::Tensor& a = stack[0].toTensor();
  const at::Tensor& b = stack[1].toTensor();
  at::Tensor out = kFunction(a, b);
  if (!of_result_type(a, b, out, wanted)) {
    return false;
  }
  kept = {sizes_if_broadcast(a, out), sizes_if_broadcast(b, out)};
  return result(stack, std::move(out));
}

at::Tensor plus(const at::Tensor& a, const at::Tensor& b) {
  return at::add(a, b);
}
at::Tensor minus(const at::Tensor& a, const at::Tensor& b) {
  return at::sub(a, b);
}

void add_backward(const BackwardCall& call) {
  for (size_t i = 0; i < 2; ++i) {
    if (call.wanted[i]) {
      call.give(i, reduced(call.gradient(), call.kept[i]));
    }
  }
}

void sub_backward(const BackwardCall& call) {
  if (call.wanted[0]) {
    call.give(0, reduced(call.gradient(), call.kept[0]));
  }
  if (call.wanted[1]) {
    call.give(1, reduced(call.gradient().neg(), call.kept[1]));
  }
}

/// Keeps each factor for the gradient of the other.
template <at::Tensor (*kFunction)(const at::Tensor&, const at::Tensor&)>
bool product_like(Stack& stack, Wanted wanted, Kept& kept, bool keeps_self) {
  if (!is_plain_pair(stack, wanted)) {
    return false;
  }
  const at::Tensor& a = stack[0].toTensor();
  const at::Tensor& b = stack[1].toTensor();
  at::Tensor out = kFunction(a, b);
  if (!of_result_type(a, b, out, wanted)) {
    return false;
  }
  kept = {
      kept_if(wanted[1] != 0, a),
      kept_if(keeps_self || wanted[0] != 0, b),
      sizes_if_broadcast(a, out),
      sizes_if_broadcast(b, out)};
  return result(stack, std::move(out));
}

at::Tensor times(const at::Tensor& a, const at::Tensor& b) {
  return at::mul(a, b);
}
at::Tensor over(const at::Tensor& a, const at::Tensor& b) {
  return at::div(a, b);
}

bool mul(Stack& stack, Wanted wanted, Kept& kept) {
  return product_like<times>(stack, wanted, kept, false);
}
void mul_backward(const BackwardCall& call) {
  for (size_t i = 0; i < 2; ++i) {
    if (call.wanted[i]) {
      const at::Tensor& other = call.kept[1 - i].toTensor();
      call.give(i, reduced(call.gradient().mul(other), call.kept[2 + i]));
    }
  }
}

bool div(Stack& stack, Wanted wanted, Kept& kept) {
  return product_like<over>(stack, wanted, kept, true);
}
void div_backward(const BackwardCall& call) {
  const at::Tensor& divisor = call.kept[1].toTensor();
  if (call.wanted[0]) {
    call.give(0, reduced(call.gradient().div(divisor), call.kept[2]));
  }
  if (call.wanted[1]) {
    const at::Tensor& x = call.kept[0].toTensor();
    call.give(
        1,
        reduced(
            call.gradient().neg().mul(x.div(divisor).div(divisor)),
            call.kept[3]));
  }
}

// A tensor and a number.

bool add_scalar(Stack& stack, Wanted, Kept&) {
  if (!is_plain(stack[0]) || !has_no_factor(stack[2])) {
    return false;
  }
  const at::Tensor& x = stack[0].toTensor();
  at::Tensor out = at::add(x, stack[1].toScalar());
  return same_type(x, out) && result(stack, std::move(out));
}

template <at::Tensor (*kFunction)(const at::Tensor&, const at::Scalar&)>
bool times_scalar(Stack& stack, Wanted, Kept& kept) {
  if (!is_plain(stack[0])) {
    return false;
  }
  const at::Tensor& x = stack[0].toTensor();
  at::Tensor out = kFunction(x, stack[1].toScalar());
  if (!same_type(x, out)) {
    return false;
  }
  kept = {stack[1]};
  return result(stack, std::move(out));
}
at::Tensor times_number(const at::Tensor& a, const at::Scalar& b) {
  return at::mul(a, b);
}
at::Tensor over_number(const at::Tensor& a, const at::Scalar& b) {
  return at::div(a, b);
}
void mul_scalar_backward(const BackwardCall& call) {
  call.give(0, call.gradient().mul(call.kept[0].toScalar()));
}
void div_scalar_backward(const BackwardCall& call) {
  call.give(0, call.gradient().div(call.kept[0].toScalar()));
}

// Choices.

bool where(Stack& stack, Wanted wanted, Kept& kept) {
  const at::Tensor condition = stack[0].toTensor();
  const at::Tensor& a = stack[1].toTensor();
  const at::Tensor& b = stack[2].toTensor();
  if ((wanted[1] && !is_plain(a)) || (wanted[2] && !is_plain(b))) {
    return false;
  }
  at::Tensor out = at::where(condition, a, b);
  if (!of_result_type(a, b, out, wanted.subspan(1))) {
    return false;
  }
  kept = {condition, sizes_if_broadcast(a, out), sizes_if_broadcast(b, out)};
  return result(stack, std::move(out));
}
void where_backward(const BackwardCall& call) {
  const at::Tensor& condition = call.kept[0].toTensor();
  const at::Tensor& g = call.gradient();
  if (call.wanted[1]) {
    call.give(1, reduced(at::where(condition, g, 0), call.kept[1]));
  }
  if (call.wanted[2]) {
    call.give(2, reduced(at::where(condition, 0, g), call.kept[2]));
  }
}

bool masked_fill(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor x = stack[0].toTensor();
  const at::Tensor mask = stack[1].toTensor();
  if (!is_plain(x)) {
    return false;
  }
  at::Tensor out = at::masked_fill(x, mask, stack[2].toScalar());
  if (out.sizes() != x.sizes()) {
    return false;
  }
  kept = {mask};
  return result(stack, std::move(out));
}
void masked_fill_backward(const BackwardCall& call) {
  call.give(0, at::masked_fill(call.gradient(), kept_tensor(call), 0));
}

constexpr Rule kRules[] = {
    {"aten::add.Tensor", sum_like<plus>, add_backward},
    {"aten::add.Scalar", add_scalar, passes_on},
    {"aten::sub.Tensor", sum_like<minus>, sub_backward},
    {"aten::mul.Tensor", mul, mul_backward},
    {"aten::mul.Scalar", times_scalar<times_number>, mul_scalar_backward},
    {"aten::div.Tensor", div, div_backward},
    {"aten::div.Scalar", times_scalar<over_number>, div_scalar_backward},
    {"aten::neg", keeps_nothing<at::neg>, neg_backward},
    {"aten::exp", keeps_result<at::exp>, by_formula<exp_gradient>},
    {"aten::log", keeps_input<at::log>, by_formula<log_gradient>},
    {"aten::sqrt", keeps_result<at::sqrt>, by_formula<sqrt_gradient>},
    {"aten::rsqrt", keeps_result<at::rsqrt>, by_formula<rsqrt_gradient>},
    {"aten::sin", keeps_input<at::sin>, by_formula<sin_gradient>},
    {"aten::cos", keeps_input<at::cos>, by_formula<cos_gradient>},
    {"aten::tanh", keeps_result<at::tanh>, by_formula<at::tanh_backward>},
    {"aten::sigmoid",
     keeps_result<at::sigmoid>,
     by_formula<at::sigmoid_backward>},
    {"aten::relu", keeps_result<at::relu>, by_formula<relu_gradient>},
    {"aten::relu6", relu6, hardtanh_backward},
    {"aten::silu", keeps_input<at::silu>, by_formula<at::silu_backward>},
    {"aten::hardswish",
     keeps_input<at::hardswish>,
     by_formula<at::hardswish_backward>},
    {"aten::hardsigmoid",
     keeps_input<at::hardsigmoid>,
     by_formula<at::hardsigmoid_backward>},
    {"aten::gelu", gelu, gelu_backward},
    {"aten::leaky_relu", leaky_relu, leaky_relu_backward},
    {"aten::hardtanh", hardtanh, hardtanh_backward},
    {"aten::pow.Tensor_Scalar", pow_scalar, pow_scalar_backward},
    {"aten::where.self", where, where_backward},
    {"aten::masked_fill.Scalar", masked_fill, masked_fill_backward},
};

}  // namespace
}  // namespace pointwise

std::span<const Rule> pointwise_rules() {
  return pointwise::kRules;
}

}  // namespace pp
