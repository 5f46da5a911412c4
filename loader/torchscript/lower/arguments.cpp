#include "loader/torchscript/lower/arguments.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "loader/torchscript/lower/hints.h"
#include "loader/torchscript/lower/nodes.h"
#include "loader/torchscript/lower/types.h"
#include "loader/torchscript/lower/values.h"

namespace pp::ts {

namespace {

using c10::TypeKind;

/// Converts an integer, which TorchScript also uses for enumerators.
ir::Arg integer_arg(int64_t number, TypeKind wanted) {
  switch (wanted) {
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

ir::Arg constant_arg(const c10::IValue& value, const c10::TypePtr& wanted) {
  if (value.isNone()) {
    return {ir::None{}};
  }
  if (value.isBool()) {
    return {value.toBool()};
  }
  if (value.isInt()) {
    return integer_arg(
        value.toInt(), wanted ? wanted->kind() : TypeKind::AnyType);
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
  throw input_error("a graph can't hold a constant of type " + value.tagKind());
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

bool has_numbers(const std::vector<ir::Dim>& dims, c10::IntArrayRef numbers) {
  return std::ranges::equal(
      dims, numbers, {}, [](const ir::Dim& dim) { return dim.value; });
}

/// Finds the parameter or buffer that `tensor` is. The flat weights of a
/// recurrent module, for example, are a list of its parameters in an attribute.
std::optional<GraphValue> try_owned_state(
    const Lowering& lowering, const at::Tensor& tensor) {
  const auto record = lowering.storages.find(tensor.storage().data());
  if (record == lowering.storages.end()) {
    return std::nullopt;
  }
  for (const ir::State& state : lowering.graph.states) {
    const StateRecord& known = lowering.state_records.at(state.fqn);
    if (known.num_bytes > 0 && known.record == record->second->name &&
        known.offset == record->second->offset &&
        known.tensor.dtype ==
            static_cast<ir::ScalarType>(tensor.scalar_type()) &&
        known.tensor.storage_offset.value == tensor.storage_offset() &&
        has_numbers(known.tensor.sizes, tensor.sizes()) &&
        has_numbers(known.tensor.strides, tensor.strides())) {
      return GraphValue{state.value};
    }
  }
  return std::nullopt;
}

/// The state of a literal. It is added when the literal is first used.
GraphValue literal_state(Lowering& lowering, const Literal& literal) {
  const void* key = literal.tensor.unsafeGetTensorImpl();
  const auto found = lowering.literals.find(key);
  if (found != lowering.literals.end()) {
    return found->second;
  }
  if (const auto owned = try_owned_state(lowering, literal.tensor)) {
    return *owned;
  }
  std::string fqn;
  do {
    fqn = "lifted_tensor_" + std::to_string(lowering.num_literal_names++);
  } while (ir::try_find_state(lowering.graph, fqn) >= 0);
  const GraphValue state = add_state(
      lowering, fqn, ir::StateKind::Constant, literal.tensor, "c_" + fqn);
  lowering.literals.emplace(key, state);
  return state;
}

/// The element type that torch chooses for a tensor of `number`.
at::ScalarType number_dtype(const Lowering& lowering, const Item& number) {
  ir::TypeKind kind = ir::TypeKind::Int;
  if (const auto* constant = number.as<Constant>()) {
    kind = constant->value.isDouble() ? ir::TypeKind::Float
           : constant->value.isBool() ? ir::TypeKind::Bool
                                      : ir::TypeKind::Int;
  } else if (const auto* value = number.as<GraphValue>()) {
    kind = lowering.value(value->id).type.kind;
  }
  return kind == ir::TypeKind::Float  ? at::kDouble
         : kind == ir::TypeKind::Bool ? at::kBool
                                      : at::kLong;
}

/// Adds a node that puts the number into a tensor.
GraphValue add_number_tensor(Lowering& lowering, const NumberTensor& tensor) {
  const Item number = number_in(tensor);
  const Item none = constant_item({});
  const Item dtype =
      constant_item(static_cast<int64_t>(number_dtype(lowering, number)));
  return *add_operator(
              lowering,
              "aten::scalar_tensor",
              "",
              {number, dtype, none, none, none})
              .front()
              .as<GraphValue>();
}

ir::Arg list_arg(
    Lowering& lowering, const Container& list, const c10::TypePtr& type) {
  if (list.open_node) {
    throw input_error(
        "it reads a list of tensors whose length is not known before the model "
        "runs");
  }
  c10::TypePtr element = try_element_type(without_optional(type));
  if (!element) {
    element = try_element_type(list.type);
  }
  lowering.steps.add(list.items.size());
  ir::List out{.kind = list_kind(element), .items = {}};
  for (const Item& item : list.items) {
    out.items.push_back(to_arg(lowering, item, element));
  }
  return {std::move(out)};
}

/// All sizes of a tensor, each read by a node.
ir::Arg sizes_arg(Lowering& lowering, ir::ValueId tensor, int64_t num_dims) {
  ir::List out{.kind = ir::ListKind::Ints, .items = {}};
  for (int64_t dim = 0; dim < num_dims; ++dim) {
    out.items.push_back({ir::Ref{add_size(lowering, tensor, dim).id}});
  }
  return {std::move(out)};
}

}  // namespace

ir::Arg to_arg(Lowering& lowering, const Item& item, const c10::TypePtr& type) {
  const c10::TypePtr wanted = without_optional(type);
  if (const auto* constant = item.as<Constant>()) {
    if (try_element_type(wanted) && !constant->value.isNone()) {
      // A number stands for a list that repeats it ("int[2] stride=2").
      return list_arg(
          lowering,
          {.kind = Container::Kind::List,
           .type = wanted,
           .items = {item},
           .keys = {},
           .open_node = {}},
          wanted);
    }
    return constant_arg(constant->value, wanted);
  }
  if (const auto* value = item.as<GraphValue>()) {
    return {ir::Ref{value->id}};
  }
  if (const auto* literal = item.as<Literal>()) {
    return {ir::Ref{literal_state(lowering, *literal).id}};
  }
  if (const auto* number = item.as<NumberTensor>()) {
    return {ir::Ref{add_number_tensor(lowering, *number).id}};
  }
  if (const auto* sizes = item.as<TensorSizes>()) {
    if (const auto hint = try_tensor_hint(lowering, sizes->tensor)) {
      return sizes_arg(lowering, sizes->tensor, hint->dim());
    }
  }
  const Container* container = item.container();
  if (container != nullptr && container->kind == Container::Kind::List) {
    return list_arg(lowering, *container, type);
  }
  throw input_error("a graph can't hold " + describe(item));
}

}  // namespace pp::ts
