#include "runtime/program/operator_kind.h"

#include <algorithm>
#include <array>

#include "loader/ir/operator_parts.h"
#include "runtime/program/library_operators.h"
#include "runtime/program/rules/rules.h"

namespace pp {

using c10::TypeKind;

c10::OperatorName operator_name(const std::string& target) {
  const ir::OperatorParts op = ir::operator_parts(target);
  return {op.qualified_name(), std::string(op.registered_overload())};
}

bool is_assertion(const std::string& target) {
  constexpr std::array<std::string_view, 5> kPrefixes = {
      "aten._assert_tensor_metadata",
      "aten.sym_constrain_range",
      "aten._assert_scalar",
      "aten._functional_sym_constrain_range",
      "pippy._pipe_split",
  };
  return std::ranges::any_of(
      kPrefixes, [&](auto prefix) { return target.starts_with(prefix); });
}

InstructionKind random_kind(const std::string& target) {
  struct Row {
    std::string_view target;
    InstructionKind kind;
  };
  constexpr std::array<Row, 6> kRows = {{
      {"aten.dropout.default", InstructionKind::Dropout},
      {"aten.dropout_.default", InstructionKind::DropoutInPlace},
      {"aten.feature_dropout.default", InstructionKind::FeatureDropout},
      {"aten.feature_dropout_.default", InstructionKind::FeatureDropoutInPlace},
      {"aten.native_dropout.default", InstructionKind::NativeDropout},
      {"aten.scaled_dot_product_attention.default", InstructionKind::Attention},
  }};
  const auto* row = std::ranges::find(kRows, target, &Row::target);
  return row == kRows.end() ? InstructionKind::Operator : row->kind;
}

std::optional<InstructionKind> control_flow_kind(const std::string& target) {
  if (target == "higher_order.cond") {
    return InstructionKind::Cond;
  }
  if (target == "prim::If") {
    return InstructionKind::ScriptIf;
  }
  if (target == "higher_order.while_loop") {
    return InstructionKind::WhileLoop;
  }
  return target == "prim::Loop" ? std::optional(InstructionKind::ScriptLoop)
                                : std::nullopt;
}

const c10::TypePtr& unwrap_optional(const c10::TypePtr& type) {
  if (type->kind() == TypeKind::OptionalType) {
    return type->castRaw<c10::OptionalType>()->getElementType();
  }
  return type;
}

bool is_generator(const c10::Argument& argument) {
  return unwrap_optional(argument.type())->kind() == TypeKind::GeneratorType;
}

c10::OperatorHandle with_generator(const c10::OperatorHandle& op) {
  struct Row {
    std::string_view overload;
    const char* with_generator;
  };
  constexpr std::array<Row, 4> kRows = {{
      {"", "generator"},
      {"low", "low_generator"},
      {"low_dtype", "low_generator_dtype"},
      {"Tensor", "Tensor_generator"},
  }};
  const auto* row = std::ranges::find(
      kRows, op.operator_name().overload_name, &Row::overload);
  if (row == kRows.end() ||
      std::ranges::any_of(op.schema().arguments(), is_generator)) {
    return op;
  }
  return c10::Dispatcher::singleton()
      .findSchema({op.operator_name().name, row->with_generator})
      .value_or(op);
}

const Rule* rule_of(const std::string& target, const c10::OperatorHandle& op) {
  const InstructionKind kind = random_kind(target);
  if (kind == InstructionKind::Dropout ||
      kind == InstructionKind::FeatureDropout) {
    return &kDropoutRule;
  }
  const c10::OperatorName& name = op.operator_name();
  return find_rule(
      name.overload_name.empty() ? name.name
                                 : name.name + "." + name.overload_name);
}

BuiltinFunction function_of(const std::string& target) {
  const BuiltinFunction builtin = builtin_function(target);
  return builtin != nullptr ? builtin : library_function(target);
}

}  // namespace pp
