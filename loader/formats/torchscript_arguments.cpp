// What is handed to operators: values, constants and lists of them.
#include <ATen/core/jit_type.h>

#include "loader/core/error.h"
#include "loader/formats/torchscript_builder.h"
#include "loader/ir/walk.h"

namespace pp::ts {

namespace {

using c10::TypeKind;

const c10::TypePtr& unwrap(const c10::TypePtr& type) {
  if (type && type->kind() == TypeKind::OptionalType) {
    return type->castRaw<c10::OptionalType>()->getElementType();
  }
  return type;
}

ir::Arg constant_arg(const c10::IValue& value, const c10::TypePtr& wanted) {
  const TypeKind kind = wanted ? wanted->kind() : TypeKind::AnyType;
  if (value.isNone()) {
    return {ir::None{}};
  }
  if (value.isBool()) {
    return {value.toBool()};
  }
  if (value.isInt()) {
    const int64_t number = value.toInt();
    switch (kind) {
      case TypeKind::ScalarTypeType:
        return {static_cast<ir::ScalarType>(number)};
      case TypeKind::LayoutType:
        return {static_cast<ir::Layout>(number)};
      case TypeKind::MemoryFormatType:
        return {static_cast<ir::MemoryFormat>(number)};
      default:
        return {number};
    }
  }
  if (value.isDouble()) {
    return {value.toDouble()};
  }
  if (value.isString()) {
    return {value.toStringRef()};
  }
  if (value.isComplexDouble()) {
    const auto number = value.toComplexDouble();
    return {ir::Complex{number.real(), number.imag()}};
  }
  if (value.isDevice()) {
    const c10::Device device = value.toDevice();
    return {
        ir::Device{c10::DeviceTypeName(device.type(), true), device.index()}};
  }
  throw input_error(
      "an argument is a constant " + value.tagKind() +
      ", which can't be written into a graph");
}

ir::ListKind list_kind(const c10::TypePtr& element) {
  switch (element ? element->kind() : TypeKind::AnyType) {
    case TypeKind::TensorType:
      return ir::ListKind::Tensors;
    case TypeKind::OptionalType:
      return ir::ListKind::OptionalTensors;
    case TypeKind::FloatType:
      return ir::ListKind::Floats;
    case TypeKind::BoolType:
      return ir::ListKind::Bools;
    case TypeKind::StringType:
      return ir::ListKind::Strings;
    default:
      return ir::ListKind::Ints;
  }
}

}  // namespace

Made Builder::made_of(const Literal& literal) {
  const void* key = literal.tensor.unsafeGetTensorImpl();
  if (const auto found = literals_.find(key); found != literals_.end()) {
    return found->second;
  }
  std::string fqn;
  do {
    fqn = "lifted_tensor_" + std::to_string(next_number_["a literal"]++);
  } while (ir::try_find_state(graph_, fqn) >= 0);
  const Made made =
      add_state(fqn, ir::StateKind::Constant, literal.tensor, "c_" + fqn);
  literals_.emplace(key, made);
  return made;
}

Made Builder::made_of(const Number& number) {
  const bool is_fixed = std::holds_alternative<Fixed>(number.number);
  const Item item = is_fixed ? Item{std::get<Fixed>(number.number)}
                             : Item{std::get<Made>(number.number)};
  at::ScalarType dtype = at::kLong;
  if (is_fixed) {
    const c10::IValue& value = std::get<Fixed>(number.number).value;
    dtype = value.isDouble() ? at::kDouble
                             : (value.isBool() ? at::kBool : at::kLong);
  } else {
    const auto id = static_cast<size_t>(std::get<Made>(number.number).id);
    const ir::TypeKind kind = graph_.values[id].type.kind;
    dtype = kind == ir::TypeKind::Float
                ? at::kDouble
                : (kind == ir::TypeKind::Bool ? at::kBool : at::kLong);
  }
  const Item none{Fixed{c10::IValue()}};
  const Item type{Fixed{c10::IValue(static_cast<int64_t>(dtype))}};
  return *call("aten::scalar_tensor", "", {item, type, none, none, none})
              .front()
              .as<Made>();
}

ir::Arg Builder::list_arg(const Compound& list, const c10::TypePtr& type) {
  if (list.open_node) {
    throw input_error(
        "takes a list of tensors whose length is not known before it runs");
  }
  const c10::TypePtr& wanted = unwrap(type);
  c10::TypePtr element;
  if (wanted && wanted->kind() == TypeKind::ListType) {
    element = wanted->castRaw<c10::ListType>()->getElementType();
  } else if (list.type && list.type->kind() == TypeKind::ListType) {
    element = list.type->castRaw<c10::ListType>()->getElementType();
  }
  ir::List out{.kind = list_kind(element), .items = {}};
  for (const Item& item : list.items) {
    out.items.push_back(to_arg(item, element));
  }
  return {std::move(out)};
}

ir::Arg Builder::to_arg(const Item& item, const c10::TypePtr& type) {
  const c10::TypePtr& wanted = unwrap(type);
  const bool wants_list = wanted && wanted->kind() == TypeKind::ListType;
  if (const auto* fixed_item = item.as<Fixed>()) {
    if (wants_list && !fixed_item->value.isNone()) {
      // A lone number stands for a list of them ("int[2] stride=2").
      return list_arg(
          {.kind = Compound::Kind::List,
           .type = wanted,
           .items = {item},
           .keys = {},
           .open_node = {}},
          wanted);
    }
    return constant_arg(fixed_item->value, wanted);
  }
  if (const auto* made = item.as<Made>()) {
    return {ir::Ref{made->id}};
  }
  if (const auto* literal = item.as<Literal>()) {
    return {ir::Ref{made_of(*literal).id}};
  }
  if (const auto* number = item.as<Number>()) {
    return {ir::Ref{made_of(*number).id}};
  }
  if (const auto* sizes = item.as<Sizes>()) {
    const auto hint = try_hint(sizes->tensor);
    if (hint) {
      ir::List out{.kind = ir::ListKind::Ints, .items = {}};
      for (int64_t i = 0; i < hint->dim(); ++i) {
        out.items.push_back({ir::Ref{size_of(sizes->tensor, i).id}});
      }
      return {std::move(out)};
    }
  }
  if (const Compound* compound = item.compound();
      compound != nullptr && compound->kind == Compound::Kind::List) {
    return list_arg(*compound, type);
  }
  throw input_error("can't take " + describe(item));
}

}  // namespace pp::ts
