#include "loader/formats/torchscript_item.h"

#include <ATen/core/jit_type.h>

#include "loader/core/error.h"

namespace pp::ts {

namespace {

Item compound_of(Compound compound) {
  return {std::make_shared<Compound>(std::move(compound))};
}

std::optional<c10::IValue> try_constant_of(const Compound& compound) {
  if (compound.open_node || compound.kind == Compound::Kind::Dict) {
    return std::nullopt;
  }
  std::vector<c10::IValue> items;
  for (const Item& item : compound.items) {
    auto value = try_constant(item);
    if (!value) {
      return std::nullopt;
    }
    items.push_back(std::move(*value));
  }
  if (compound.kind == Compound::Kind::Tuple) {
    return c10::ivalue::Tuple::create(std::move(items));
  }
  const auto list =
      compound.type ? compound.type->cast<c10::ListType>() : c10::ListTypePtr();
  c10::impl::GenericList out(
      list ? list->getElementType() : c10::AnyType::get());
  for (c10::IValue& item : items) {
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace

Item item_of(const c10::IValue& value) {
  if (value.isTensor()) {
    return {Literal{value.toTensor()}};
  }
  if (value.isList() || value.isTuple()) {
    Compound out{
        .kind = value.isList() ? Compound::Kind::List : Compound::Kind::Tuple,
        .type = value.type(),
        .items = {},
        .keys = {},
        .open_node = {}};
    if (value.isList()) {
      for (const c10::IValue& item : value.toListRef()) {
        out.items.push_back(item_of(item));
      }
    } else {
      for (const c10::IValue& item : value.toTupleRef().elements()) {
        out.items.push_back(item_of(item));
      }
    }
    return compound_of(std::move(out));
  }
  if (value.isGenericDict()) {
    Compound out{
        .kind = Compound::Kind::Dict,
        .type = value.type(),
        .items = {},
        .keys = {},
        .open_node = {}};
    for (const auto& entry : value.toGenericDict()) {
      if (!entry.key().isString()) {
        throw input_error("a dict has keys that are no texts");
      }
      out.keys.push_back(entry.key().toStringRef());
      out.items.push_back(item_of(entry.value()));
    }
    return compound_of(std::move(out));
  }
  if (value.isObject() || value.isCapsule() || value.isPyObject()) {
    throw input_error("a constant is an object");
  }
  return {Fixed{value}};
}

std::optional<c10::IValue> try_constant(const Item& item) {
  if (const auto* fixed = item.as<Fixed>()) {
    return fixed->value;
  }
  const Compound* compound = item.compound();
  return compound == nullptr ? std::nullopt : try_constant_of(*compound);
}

std::string describe(const Item& item) {
  if (item.is_none()) {
    return "None";
  }
  if (const auto* fixed = item.as<Fixed>()) {
    return "a constant " + fixed->value.tagKind();
  }
  if (const auto* instance = item.as<Instance>()) {
    return "module '" + instance->fqn + "'";
  }
  if (item.compound() != nullptr) {
    return item.compound()->open_node ? "a list of unknown length"
                                      : "a list, tuple or dict";
  }
  if (item.as<Sizes>() != nullptr) {
    return "the list of all sizes of a tensor";
  }
  if (item.as<Length>() != nullptr) {
    return "the length of a list, which depends on sizes";
  }
  return item.as<Callable>() != nullptr ? "a function" : "a tensor or number";
}

}  // namespace pp::ts
