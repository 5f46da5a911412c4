// Choosing elements by a mask.
#include <ATen/ops/masked_fill.h>
#include <ATen/ops/where.h>

#include "runtime/program/rules/arguments.h"
#include "runtime/program/rules/rules.h"

namespace pp {

namespace selection {
namespace {

/// where(condition, a, b)
bool where(Stack& stack, Wanted wanted, Kept& kept) {
  const at::Tensor condition = stack[0].toTensor();
  const at::Tensor& a = stack[1].toTensor();
  const at::Tensor& b = stack[2].toTensor();
  if ((wanted[1] && !is_plain(a)) || (wanted[2] && !is_plain(b))) {
    return false;
  }
  at::Tensor out = at::where(condition, a, b);
  if (!have_result_type(a, b, out, wanted.subspan(1))) {
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

/// masked_fill(x, mask, number)
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
  const at::Tensor& mask = call.kept[0].toTensor();
  call.give(0, at::masked_fill(call.gradient(), mask, 0));
}

constexpr Rule kRules[] = {
    {"aten::where.self", where, where_backward},
    {"aten::masked_fill.Scalar", masked_fill, masked_fill_backward},
};

}  // namespace
}  // namespace selection

std::span<const Rule> selection_rules() {
  return selection::kRules;
}

}  // namespace pp
