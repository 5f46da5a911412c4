#include "loader/torchscript/lower/items.h"

#include <utility>

#include "loader/core/error.h"
#include "loader/torchscript/lower/types.h"

namespace pp::ts {

namespace {

std::optional<c10::IValue> try_container_constant(const Container& container) {
  if (container.open_node || container.kind == Container::Kind::Dict) {
    return std::nullopt;
  }
  std::vector<c10::IValue> values;
  for (const Item& item : container.items) {
    auto value = try_constant(item);
    if (!value) {
      return std::nullopt;
    }
    values.push_back(std::move(*value));
  }
  if (container.kind == Container::Kind::Tuple) {
    return c10::ivalue::Tuple::create(std::move(values));
  }
  return list_value(container.type, std::move(values));
}

Container empty_container(Container::Kind kind, const c10::IValue& value) {
  return {
      .kind = kind,
      .type = value.type(),
      .items = {},
      .keys = {},
      .open_node = {}};
}

}  // namespace

Item container_item(Container container) {
  return {std::make_shared<Container>(std::move(container))};
}

Item constant_item(c10::IValue value) {
  return {Constant{std::move(value)}};
}

Item item_of(const c10::IValue& value, StepCounter& steps) {
  steps.add(1);
  if (value.isTensor()) {
    return {Literal{value.toTensor()}};
  }
  if (value.isList()) {
    Container list = empty_container(Container::Kind::List, value);
    for (const c10::IValue& item : value.toListRef()) {
      list.items.push_back(item_of(item, steps));
    }
    return container_item(std::move(list));
  }
  if (value.isTuple()) {
    Container tuple = empty_container(Container::Kind::Tuple, value);
    for (const c10::IValue& item : value.toTupleRef().elements()) {
      tuple.items.push_back(item_of(item, steps));
    }
    return container_item(std::move(tuple));
  }
  if (value.isGenericDict()) {
    Container dict = empty_container(Container::Kind::Dict, value);
    for (const auto& entry : value.toGenericDict()) {
      if (!entry.key().isString()) {
        throw input_error("dictionary keys must be strings");
      }
      dict.keys.push_back(entry.key().toStringRef());
      dict.items.push_back(item_of(entry.value(), steps));
    }
    return container_item(std::move(dict));
  }
  if (value.isObject() || value.isCapsule() || value.isPyObject()) {
    throw input_error("a constant is an object, which is not supported");
  }
  return constant_item(value);
}

void count_items(const Item& item, StepCounter& steps) {
  const Container* container = item.container();
  if (container == nullptr) {
    return;
  }
  steps.add(container->items.size());
  for (const Item& inner : container->items) {
    count_items(inner, steps);
  }
}

void fix_containers(const Item& item, const std::string& why) {
  const auto* pointer = item.as<std::shared_ptr<Container>>();
  if (pointer == nullptr || !(*pointer)->why_fixed.empty()) {
    return;  // its inner containers are fixed, too
  }
  (*pointer)->why_fixed = why;
  for (const Item& inner : (*pointer)->items) {
    fix_containers(inner, why);
  }
}

Item number_in(const NumberTensor& tensor) {
  return std::visit(
      [](const auto& number) { return Item{number}; }, tensor.number);
}

std::optional<c10::IValue> try_constant(const Item& item) {
  if (const auto* constant = item.as<Constant>()) {
    return constant->value;
  }
  const Container* container = item.container();
  return container == nullptr ? std::nullopt
                              : try_container_constant(*container);
}

std::optional<int64_t> try_int(const Item& item) {
  const auto* constant = item.as<Constant>();
  return constant != nullptr && constant->value.isInt()
             ? std::optional(constant->value.toInt())
             : std::nullopt;
}

bool is_same_constant(const Item& a, const Item& b) {
  const auto left = try_constant(a);
  const auto right = try_constant(b);
  if (!left || !right || left->tagKind() != right->tagKind()) {
    return false;
  }
  return left->isNone() || *left == *right;
}

bool is_same_item(const Item& a, const Item& b) {
  if (a.container() != nullptr || b.container() != nullptr) {
    return a.container() == b.container();
  }
  const auto* sizes = a.as<TensorSizes>();
  const auto* other_sizes = b.as<TensorSizes>();
  if (sizes != nullptr && other_sizes != nullptr) {
    return sizes->tensor == other_sizes->tensor;
  }
  const auto* left = a.as<GraphValue>();
  const auto* right = b.as<GraphValue>();
  return left != nullptr && right != nullptr ? left->id == right->id
                                             : is_same_constant(a, b);
}

std::string describe(const Item& item) {
  if (item.is_none()) {
    return "None";
  }
  if (const auto* constant = item.as<Constant>()) {
    return "a constant of type " + constant->value.tagKind();
  }
  if (const auto* instance = item.as<Instance>()) {
    return instance->fqn.empty() ? "the root module"
                                 : "module '" + instance->fqn + "'";
  }
  if (const Container* container = item.container()) {
    switch (container->kind) {
      case Container::Kind::List:
        return container->open_node ? "a list of unknown length" : "a list";
      case Container::Kind::Tuple:
        return "a tuple";
      case Container::Kind::Dict:
        return "a dictionary";
    }
  }
  if (item.as<TensorSizes>() != nullptr) {
    return "the sizes of a tensor";
  }
  if (item.as<ListLength>() != nullptr) {
    return "the unknown length of a list";
  }
  if (item.as<Text>() != nullptr) {
    return "a string that is not known before the model runs";
  }
  if (item.as<NoGrad>() != nullptr) {
    return "a torch.no_grad() object";
  }
  return item.as<Callable>() != nullptr ? "a function" : "a tensor or number";
}

}  // namespace pp::ts
