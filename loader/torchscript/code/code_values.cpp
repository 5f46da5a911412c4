#include "loader/torchscript/code/code_values.h"

#include <string>
#include <type_traits>

#include "loader/core/error.h"
#include "loader/operators/list_types.h"
#include "loader/torchscript/lower/types.h"

namespace pp::ts {

namespace {

/// Converts an argument of a node that is a constant.
struct ToConstant {
  bool wants_float;

  c10::IValue operator()(const ir::None&) const { return {}; }
  c10::IValue operator()(bool value) const { return value; }
  c10::IValue operator()(double value) const { return value; }
  c10::IValue operator()(const std::string& value) const { return value; }
  c10::IValue operator()(int64_t value) const {
    return wants_float ? c10::IValue(static_cast<double>(value))
                       : c10::IValue(value);
  }
  c10::IValue operator()(const ir::Complex& value) const {
    return c10::complex<double>(value.real, value.imag);
  }
  c10::IValue operator()(ir::ScalarType value) const {
    return static_cast<int64_t>(value);
  }
  c10::IValue operator()(ir::MemoryFormat value) const {
    return static_cast<int64_t>(value);
  }
  c10::IValue operator()(ir::Layout value) const {
    return static_cast<int64_t>(value);
  }
  c10::IValue operator()(const ir::Device& value) const {
    return c10::Device(
        value.type +
        (value.index < 0 ? "" : ":" + std::to_string(value.index)));
  }
  template <class T>
  c10::IValue operator()(const T&) const {
    throw input_error(
        "an argument that is a sub-graph can't be written as TorchScript");
  }
};

torch::jit::Value* add_list(
    CodeDraft& draft, const ir::List& list, const c10::TypePtr& wanted) {
  const c10::TypePtr wanted_element = try_element_type(wanted);
  const c10::TypePtr element =
      wanted_element ? code_type(wanted_element) : item_type(list.kind);
  std::vector<torch::jit::Value*> items;
  for (const ir::Arg& item : list.items) {
    items.push_back(to_code_value(draft, item, element));
  }
  return draft.code->insertNode(draft.code->createList(element, items))
      ->output();
}

}  // namespace

c10::TypePtr code_type(const ir::Type& type) {
  switch (type.kind) {
    case ir::TypeKind::Int:
      return c10::IntType::get();
    case ir::TypeKind::Float:
      return c10::FloatType::get();
    case ir::TypeKind::Bool:
      return c10::BoolType::get();
    default:
      return c10::TensorType::get();
  }
}

c10::TypePtr code_type(const c10::TypePtr& type) {
  if (type->kind() == c10::TypeKind::SymIntType) {
    return c10::IntType::get();
  }
  const c10::TypePtr element = try_element_type(type);
  return element ? c10::ListType::create(code_type(element)) : type;
}

torch::jit::Value* to_code_value(
    CodeDraft& draft, const ir::Arg& arg, const c10::TypePtr& type) {
  const c10::TypePtr wanted = without_optional(type);
  if (const auto* ref = std::get_if<ir::Ref>(&arg.value)) {
    return draft.value(ref->id);
  }
  if (const auto* list = std::get_if<ir::List>(&arg.value)) {
    return add_list(draft, *list, wanted);
  }
  const bool wants_float = wanted && wanted->kind() == c10::TypeKind::FloatType;
  return draft.code->insertConstant(
      std::visit(ToConstant{wants_float}, arg.value));
}

}  // namespace pp::ts
