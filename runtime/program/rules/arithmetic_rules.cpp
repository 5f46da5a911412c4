// Sums, products and elementary functions, element by element.
#include <ATen/ops/add.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/div.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/log.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/zeros_like.h>

#include "runtime/program/rules/rules.h"
#include "runtime/program/rules/unary.h"

namespace pp {

namespace arithmetic {
namespace {

// Functions of one tensor.

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
at::Tensor cos_gradient(const at::Tensor& g, const at::Tensor& x) {
  return g.mul(x.sin().neg());
}
at::Tensor sin_gradient(const at::Tensor& g, const at::Tensor& x) {
  return g.mul(x.cos());
}
void neg_backward(const BackwardCall& call) {
  call.give(0, call.gradient().neg());
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
  const at::Tensor& x = call.kept[0].toTensor();
  const at::Scalar exponent = call.kept[1].toScalar();
  if (exponent.equal(0.0)) {
    call.give(0, at::zeros_like(x));
    return;
  }
  const double power = exponent.toDouble();
  call.give(0, call.gradient().mul(x.pow(power - 1).mul(power)));
}

// Functions of two tensors, broadcast to each other.

/// Whether both arguments are tensors, and plain where a gradient is wanted. A
/// Python number counts as a tensor, whatever its type.
bool is_plain_pair(const Stack& stack, Wanted wanted) {
  for (size_t i = 0; i < 2; ++i) {
    if (!stack[i].isTensor() || (wanted[i] && !is_plain(stack[i]))) {
      return false;
    }
  }
  return true;
}

bool is_one(const c10::IValue& alpha) {
  return alpha.toScalar().equal(1.0);
}

/// Returns f(a, b), or an undefined tensor if no rule covers the call.
template <at::Tensor (*kFunction)(const at::Tensor&, const at::Tensor&)>
at::Tensor of_plain_pair(const Stack& stack, Wanted wanted) {
  if (!is_plain_pair(stack, wanted)) {
    return {};
  }
  const at::Tensor& a = stack[0].toTensor();
  const at::Tensor& b = stack[1].toTensor();
  at::Tensor out = kFunction(a, b);
  if (!have_result_type(a, b, out, wanted)) {
    return {};
  }
  return out;
}

template <at::Tensor (*kFunction)(const at::Tensor&, const at::Tensor&)>
bool sum_like(Stack& stack, Wanted wanted, Kept& kept) {
  if (!is_one(stack[2])) {
    return false;
  }
  at::Tensor out = of_plain_pair<kFunction>(stack, wanted);
  if (!out.defined()) {
    return false;
  }
  kept = {
      sizes_if_broadcast(stack[0].toTensor(), out),
      sizes_if_broadcast(stack[1].toTensor(), out)};
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

/// Keeps each factor if the gradient of the other is wanted; the second one
/// also for its own gradient, if `keeps_second`.
template <at::Tensor (*kFunction)(const at::Tensor&, const at::Tensor&)>
bool product_like(Stack& stack, Wanted wanted, Kept& kept, bool keeps_second) {
  at::Tensor out = of_plain_pair<kFunction>(stack, wanted);
  if (!out.defined()) {
    return false;
  }
  const at::Tensor& a = stack[0].toTensor();
  const at::Tensor& b = stack[1].toTensor();
  kept = {
      kept_if(wanted[1] != 0, a),
      kept_if(keeps_second || wanted[0] != 0, b),
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

// Functions of a tensor and a number.

bool add_scalar(Stack& stack, Wanted, Kept&) {
  if (!is_plain(stack[0]) || !is_one(stack[2])) {
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

constexpr Rule kRules[] = {
    {"aten::neg", keeps_nothing<at::neg>, neg_backward},
    {"aten::exp", keeps_result<at::exp>, from_tensor<exp_gradient>},
    {"aten::log", keeps_input<at::log>, from_tensor<log_gradient>},
    {"aten::sqrt", keeps_result<at::sqrt>, from_tensor<sqrt_gradient>},
    {"aten::rsqrt", keeps_result<at::rsqrt>, from_tensor<rsqrt_gradient>},
    {"aten::sin", keeps_input<at::sin>, from_tensor<sin_gradient>},
    {"aten::cos", keeps_input<at::cos>, from_tensor<cos_gradient>},
    {"aten::pow.Tensor_Scalar", pow_scalar, pow_scalar_backward},
    {"aten::add.Tensor", sum_like<plus>, add_backward},
    {"aten::sub.Tensor", sum_like<minus>, sub_backward},
    {"aten::mul.Tensor", mul, mul_backward},
    {"aten::div.Tensor", div, div_backward},
    {"aten::add.Scalar", add_scalar, passes_on},
    {"aten::mul.Scalar", times_scalar<times_number>, mul_scalar_backward},
    {"aten::div.Scalar", times_scalar<over_number>, div_scalar_backward},
};

}  // namespace
}  // namespace arithmetic

std::span<const Rule> arithmetic_rules() {
  return arithmetic::kRules;
}

}  // namespace pp
