#pragma once

// Templates for the rules of functions of one tensor. Their parameters are the
// function and the formula of its gradient. A forward is named for what it
// keeps, and a backward for what it reads.

#include "runtime/program/rules/arguments.h"

namespace pp {

/// Forward of f(x) that keeps x.
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

/// Forward of f(x) that keeps the result.
template <at::Tensor (*kFunction)(const at::Tensor&)>
bool keeps_result(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor* x = plain_input(stack);
  if (x == nullptr) {
    return false;
  }
  at::Tensor out = kFunction(*x);
  kept = {out};
  return result(stack, std::move(out));
}

/// Forward of f(x) that keeps nothing.
template <at::Tensor (*kFunction)(const at::Tensor&)>
bool keeps_nothing(Stack& stack, Wanted, Kept&) {
  const at::Tensor* x = plain_input(stack);
  return x != nullptr && result(stack, kFunction(*x));
}

/// Backward that computes the gradient from the tensor that was kept.
template <
    at::Tensor (*kFormula)(const at::Tensor& gradient, const at::Tensor& kept)>
void from_tensor(const BackwardCall& call) {
  call.give(0, kFormula(call.gradient(), call.kept[0].toTensor()));
}

/// Forward of f(x, options...) that keeps all its arguments.
template <at::Tensor (*kFunction)(const Kept& arguments)>
bool keeps_arguments(Stack& stack, Wanted, Kept& kept) {
  if (!is_plain(stack[0])) {
    return false;
  }
  kept = stack;
  return result(stack, kFunction(kept));
}

/// Backward that computes the gradient from all arguments.
template <
    at::Tensor (*kFormula)(const at::Tensor& gradient, const Kept& arguments)>
void from_arguments(const BackwardCall& call) {
  call.give(0, kFormula(call.gradient(), call.kept));
}

}  // namespace pp
