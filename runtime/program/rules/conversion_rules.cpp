// Operators that copy elements to other memory or convert their type.
#include <ATen/ops/clone.h>

#include "runtime/program/rules/arguments.h"
#include "runtime/program/rules/rules.h"

namespace pp {

namespace conversion {
namespace {

bool alias(Stack& stack, Wanted, Kept&) {
  const at::Tensor* x = plain_input(stack);
  return x != nullptr && result(stack, at::Tensor(*x));
}
bool contiguous(Stack& stack, Wanted, Kept&) {
  const at::Tensor* x = plain_input(stack);
  return x != nullptr &&
         result(stack, x->contiguous(stack[1].toMemoryFormat()));
}
bool clone(Stack& stack, Wanted, Kept&) {
  const at::Tensor* x = plain_input(stack);
  if (x == nullptr) {
    return false;
  }
  const auto format = stack[1].toOptional<c10::MemoryFormat>();
  return result(stack, at::clone(*x, format));
}

/// to(x, ..., copy, memory_format) from one real floating-point type to
/// another.
bool cast(Stack& stack, Kept& kept, const c10::IValue& dtype) {
  const at::Tensor x = stack[0].toTensor();
  const c10::IValue& format = stack.back();
  const at::ScalarType type =
      dtype.isNone() ? x.scalar_type() : dtype.toScalarType();
  if (!at::isFloatingType(type) ||
      !(format.isNone() ||
        format.toMemoryFormat() == c10::MemoryFormat::Preserve)) {
    return false;
  }
  const bool copies = stack[stack.size() - 2].toBool();
  kept = {static_cast<int64_t>(x.scalar_type())};
  return result(stack, x.to(type, /*non_blocking=*/false, copies));
}
bool to_dtype(Stack& stack, Wanted, Kept& kept) {
  return is_plain(stack[0]) && cast(stack, kept, stack[1]);
}
bool to_device(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor* x = plain_input(stack);
  return x != nullptr && stack[1].toDevice() == x->device() &&
         cast(stack, kept, stack[2]);
}
bool to_layout(Stack& stack, Wanted, Kept& kept) {
  const at::Tensor* x = plain_input(stack);
  return x != nullptr &&
         (stack[2].isNone() || stack[2].toLayout() == at::kStrided) &&
         (stack[3].isNone() || stack[3].toDevice() == x->device()) &&
         cast(stack, kept, stack[1]);
}
void cast_backward(const BackwardCall& call) {
  call.give(0, call.gradient().to(call.kept[0].toScalarType()));
}

constexpr Rule kRules[] = {
    {"aten::alias", alias, passes_on},
    {"aten::contiguous", contiguous, passes_on},
    {"aten::clone", clone, passes_on},
    {"aten::to.dtype", to_dtype, cast_backward},
    {"aten::to.device", to_device, cast_backward},
    {"aten::to.dtype_layout", to_layout, cast_backward},
};

}  // namespace
}  // namespace conversion

std::span<const Rule> conversion_rules() {
  return conversion::kRules;
}

}  // namespace pp
