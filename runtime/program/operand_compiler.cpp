#include "runtime/program/operand_compiler.h"

#include <utility>

#include <ATen/ScalarOps.h>

#include "loader/operators/list_types.h"
#include "runtime/program/node_text.h"
#include "runtime/program/operator_kind.h"

namespace pp {

namespace {

using c10::IValue;
using c10::TypeKind;

/// Converts a number to the type that the schema asks for. `plain` is the
/// number as the graph has it.
IValue number(
    const c10::Scalar& scalar, IValue plain, const c10::TypePtr& wanted) {
  if (wanted && wanted->kind() == TypeKind::TensorType) {
    return at::native::wrapped_scalar_tensor(scalar);
  }
  if (wanted && wanted->kind() == TypeKind::FloatType) {
    return scalar.toDouble();
  }
  return plain;
}

/// Returns the type of a list's items: what the schema asks for, else what the
/// graph says. Symbolic integers are plain integers at run time.
c10::TypePtr element_type(const ir::List& list, const c10::TypePtr& wanted) {
  if (!wanted || wanted->kind() != TypeKind::ListType) {
    return item_type(list.kind);
  }
  c10::TypePtr element = wanted->castRaw<c10::ListType>()->getElementType();
  return element->kind() == TypeKind::SymIntType ? c10::IntType::get()
                                                 : element;
}

}  // namespace

Operand OperandCompiler::constant(IValue value) {
  body_.constants.push_back(std::move(value));
  return {.index = static_cast<int32_t>(body_.constants.size()) - 1};
}

Operand OperandCompiler::compile(
    const ir::Node& node, const ir::Arg& arg, const c10::TypePtr& type) {
  const c10::TypePtr wanted = type ? unwrap_optional(type) : nullptr;
  if (const auto* ref = std::get_if<ir::Ref>(&arg.value)) {
    const bool wrap = wanted && wanted->kind() == TypeKind::TensorType &&
                      graph_.values[ref->id].type.kind != ir::TypeKind::Tensor;
    return {.from = Operand::From::Slot, .wrap_number = wrap, .index = ref->id};
  }
  if (const auto* list = std::get_if<ir::List>(&arg.value)) {
    return compile_list(node, *list, wanted);
  }
  return constant(value_of(node, arg, wanted));
}

Operand OperandCompiler::compile_list(
    const ir::Node& node, const ir::List& list, const c10::TypePtr& wanted) {
  ListOperand out;
  out.element = element_type(list, wanted);
  bool is_constant = true;
  for (const ir::Arg& item : list.items) {
    out.items.push_back(compile(node, item, out.element));
    is_constant =
        is_constant && out.items.back().from == Operand::From::Constant;
  }
  if (is_constant) {
    c10::impl::GenericList items(out.element);
    for (const Operand& item : out.items) {
      items.push_back(body_.constants[item.index]);
    }
    return constant(std::move(items));
  }
  body_.lists.push_back(std::move(out));
  return {
      .from = Operand::From::List,
      .index = static_cast<int32_t>(body_.lists.size()) - 1};
}

IValue OperandCompiler::value_of(
    const ir::Node& node, const ir::Arg& arg, const c10::TypePtr& wanted) {
  return std::visit(
      [&](const auto& value) -> IValue {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, ir::None>) {
          return {};
        } else if constexpr (
            std::is_same_v<T, bool> || std::is_same_v<T, int64_t> ||
            std::is_same_v<T, double>) {
          return number(value, value, wanted);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return value;
        } else if constexpr (std::is_same_v<T, ir::Complex>) {
          const c10::complex<double> both(value.real, value.imag);
          return number(both, both, wanted);
        } else if constexpr (
            std::is_same_v<T, ir::ScalarType> ||
            std::is_same_v<T, ir::MemoryFormat> ||
            std::is_same_v<T, ir::Layout>) {
          return static_cast<int64_t>(value);
        } else if constexpr (std::is_same_v<T, ir::Device>) {
          // The rank's device, whatever device the model was exported on.
          return body_.device;
        } else {
          refuse_node(
              graph_, body_.where, node, "an argument has an unsupported kind");
        }
      },
      arg.value);
}

}  // namespace pp
