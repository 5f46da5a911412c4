#include "loader/torchscript/lower/types.h"

#include <utility>

namespace pp::ts {

c10::TypePtr without_optional(const c10::TypePtr& type) {
  if (type && type->kind() == c10::TypeKind::OptionalType) {
    return type->castRaw<c10::OptionalType>()->getElementType();
  }
  return type;
}

c10::TypePtr try_element_type(const c10::TypePtr& type) {
  return type && type->kind() == c10::TypeKind::ListType
             ? type->castRaw<c10::ListType>()->getElementType()
             : c10::TypePtr();
}

bool is_tensor_list(const c10::TypePtr& type) {
  const c10::TypePtr element = try_element_type(type);
  return element && element->kind() == c10::TypeKind::TensorType;
}

std::optional<ir::TypeKind> try_number_kind(const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::IntType:
      return ir::TypeKind::Int;
    case c10::TypeKind::FloatType:
      return ir::TypeKind::Float;
    case c10::TypeKind::BoolType:
      return ir::TypeKind::Bool;
    default:
      return std::nullopt;
  }
}

c10::IValue list_value(
    const c10::TypePtr& type, std::vector<c10::IValue> values) {
  const c10::TypePtr element = try_element_type(type);
  c10::impl::GenericList out(element ? element : c10::AnyType::get());
  for (c10::IValue& value : values) {
    out.push_back(std::move(value));
  }
  return out;
}

}  // namespace pp::ts
