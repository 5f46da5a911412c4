// Lists, tuples, dicts and what is asked of tensors without computing.
#include <algorithm>

#include <ATen/core/jit_type.h>

#include "loader/core/error.h"
#include "loader/formats/torchscript_lower.h"

namespace pp::ts {

namespace {

std::optional<int64_t> try_int(const Item& item) {
  const auto value = try_constant(item);
  return value && value->isInt() ? std::optional(value->toInt()) : std::nullopt;
}

Item shared(Compound compound) {
  return {std::make_shared<Compound>(std::move(compound))};
}

Item fixed_item(c10::IValue value) {
  return {Fixed{std::move(value)}};
}

}  // namespace

Compound* Lowering::try_list(const Item& item) const {
  const auto* pointer = item.as<std::shared_ptr<Compound>>();
  return pointer != nullptr && (*pointer)->kind == Compound::Kind::List
             ? pointer->get()
             : nullptr;
}

std::optional<Lowering::Items> Lowering::construct(const Call& call) {
  Compound out{
      .kind = Compound::Kind::List,
      .type = call.node.output()->type(),
      .items = call.inputs,
      .keys = {},
      .open_node = {},
      .block = builder_.block_depth()};
  if (call.node.kind() == c10::prim::TupleConstruct) {
    out.kind = Compound::Kind::Tuple;
  } else if (call.node.kind() == c10::prim::DictConstruct) {
    out.kind = Compound::Kind::Dict;
    out.items.clear();
    for (size_t i = 0; i + 1 < call.inputs.size(); i += 2) {
      const auto key = try_constant(call.inputs[i]);
      if (!key || !key->isString()) {
        refuse(call.node, "the keys of a dict must be texts");
      }
      out.keys.push_back(key->toStringRef());
      out.items.push_back(call.inputs[i + 1]);
    }
  }
  return Items{shared(std::move(out))};
}

std::optional<Lowering::Items> Lowering::unpack(const Call& call) {
  const size_t count = call.node.outputs().size();
  const Item& whole = call.inputs.front();
  if (const auto* sizes = whole.as<Sizes>()) {
    Items out;
    for (size_t i = 0; i < count; ++i) {
      out.push_back({builder_.size_of(sizes->tensor, static_cast<int64_t>(i))});
    }
    return out;
  }
  if (Compound* list = try_list(whole); list != nullptr && list->open_node) {
    builder_.settle(*list, count);
  }
  const Compound* compound = whole.compound();
  if (compound == nullptr || compound->items.size() != count) {
    refuse(
        call.node,
        "takes " + std::to_string(count) + " values out of " + describe(whole));
  }
  return compound->items;
}

std::optional<Lowering::Items> Lowering::index_tuple(const Call& call) {
  return get_item(call);
}

std::optional<Lowering::Items> Lowering::get_item(const Call& call) {
  const Item& whole = call.inputs.at(0);
  const auto key = try_constant(call.inputs.at(1));
  const Compound* compound = whole.compound();
  if (compound != nullptr && compound->kind == Compound::Kind::Dict) {
    const auto found =
        key && key->isString()
            ? std::ranges::find(compound->keys, key->toStringRef())
            : compound->keys.end();
    if (found == compound->keys.end()) {
      refuse(call.node, "asks a dict for a key that it does not have");
    }
    return Items{
        compound->items[static_cast<size_t>(found - compound->keys.begin())]};
  }
  if (!key || !key->isInt()) {
    refuse(call.node, "the position depends on what is not known before");
  }
  int64_t index = key->toInt();
  if (const auto* sizes = whole.as<Sizes>()) {
    return Items{{builder_.size_of(sizes->tensor, index)}};
  }
  if (compound == nullptr || compound->open_node) {
    refuse(call.node, "takes one of " + describe(whole));
  }
  index += index < 0 ? std::ssize(compound->items) : 0;
  if (index < 0 || index >= std::ssize(compound->items)) {
    refuse(
        call.node,
        "takes item " + std::to_string(index) + " of " +
            std::to_string(compound->items.size()));
  }
  return Items{compound->items[static_cast<size_t>(index)]};
}

/// A list that the call may change.
Compound& Lowering::own_list(const Call& call, const char* verb) {
  Compound* list = try_list(call.inputs.at(0));
  if (list == nullptr || list->open_node) {
    refuse(call.node, verb + (" " + describe(call.inputs.at(0))));
  }
  if (list->block < builder_.block_depth()) {
    refuse(
        call.node,
        std::string(verb) +
            " a list made outside the branch or loop that this is in, which "
            "depends on what is computed; its contents would not be known: "
            "write into a tensor, or trace the model");
  }
  return *list;
}

/// The position that the call's second argument is in a list of that length.
size_t Lowering::place_in(const Call& call, int64_t length) const {
  const auto index = try_int(call.inputs.at(1));
  if (!index || *index < -length || *index >= length) {
    refuse(call.node, "the position is none of the list's, or not known");
  }
  return static_cast<size_t>(*index < 0 ? *index + length : *index);
}

/// What a list holds; none: it is no list.
std::optional<Lowering::Items> Lowering::try_items(
    const Call& call, const Item& item, const char* verb) {
  if (const auto* sizes = item.as<Sizes>()) {
    const auto hint = builder_.try_hint(sizes->tensor);
    if (!hint) {
      refuse(call.node, verb + (" " + describe(item)));
    }
    Items out;
    for (int64_t i = 0; i < hint->dim(); ++i) {
      out.push_back({builder_.size_of(sizes->tensor, i)});
    }
    return out;
  }
  const Compound* list = try_list(item);
  if (list == nullptr) {
    return std::nullopt;
  }
  if (list->open_node) {
    refuse(call.node, verb + (" " + describe(item)));
  }
  return list->items;
}

Item Lowering::new_list(const Call& call, Items items) {
  return shared(
      {.kind = Compound::Kind::List,
       .type = call.node.output()->type(),
       .items = std::move(items),
       .keys = {},
       .open_node = {},
       .block = builder_.block_depth()});
}

std::optional<Lowering::Items> Lowering::append(const Call& call) {
  own_list(call, "appends to").items.push_back(call.inputs.at(1));
  return Items{call.inputs.at(0)};
}

std::optional<Lowering::Items> Lowering::extend(const Call& call) {
  const auto more = try_items(call, call.inputs.at(1), "appends");
  if (!more) {
    return std::nullopt;
  }
  Items& items = own_list(call, "appends to").items;
  items.insert(items.end(), more->begin(), more->end());
  return Items(call.node.outputs().size(), call.inputs.at(0));
}

std::optional<Lowering::Items> Lowering::set_item(const Call& call) {
  if (try_list(call.inputs.at(0)) == nullptr) {
    return std::nullopt;
  }
  Items& items = own_list(call, "writes into").items;
  items[place_in(call, std::ssize(items))] = call.inputs.at(2);
  return Items(call.node.outputs().size(), call.inputs.at(0));
}

std::optional<Lowering::Items> Lowering::insert(const Call& call) {
  Items& items = own_list(call, "inserts into").items;
  const auto index = try_int(call.inputs.at(1));
  if (!index) {
    refuse(call.node, "the position is not known before the model runs");
  }
  const int64_t count = std::ssize(items);
  const int64_t place =
      std::clamp<int64_t>(*index < 0 ? *index + count : *index, 0, count);
  items.insert(items.begin() + place, call.inputs.at(2));
  return Items(call.node.outputs().size(), call.inputs.at(0));
}

std::optional<Lowering::Items> Lowering::pop(const Call& call) {
  if (try_list(call.inputs.at(0)) == nullptr) {
    return std::nullopt;
  }
  Items& items = own_list(call, "takes from").items;
  const size_t place = place_in(call, std::ssize(items));
  Item taken = items[place];
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(place));
  return Items{std::move(taken)};
}

std::optional<Lowering::Items> Lowering::copy_list(const Call& call) {
  auto items = try_items(call, call.inputs.at(0), "copies");
  if (!items) {
    return std::nullopt;
  }
  return Items{new_list(call, std::move(*items))};
}

std::optional<Lowering::Items> Lowering::join_lists(const Call& call) {
  auto left = try_items(call, call.inputs.at(0), "joins");
  if (!left) {
    return std::nullopt;  // tensors or numbers
  }
  const auto right = try_items(call, call.inputs.at(1), "joins");
  if (!right) {
    return std::nullopt;
  }
  left->insert(left->end(), right->begin(), right->end());
  return Items{new_list(call, std::move(*left))};
}

std::optional<Lowering::Items> Lowering::repeat_list(const Call& call) {
  auto items = try_items(call, call.inputs.at(0), "repeats");
  const bool list_first = items.has_value();
  if (!list_first) {
    items = try_items(call, call.inputs.at(1), "repeats");
  }
  if (!items) {
    return std::nullopt;  // tensors or numbers
  }
  const auto count = try_int(call.inputs.at(list_first ? 1 : 0));
  if (!count) {
    refuse(call.node, "how often it repeats a list is not known before");
  }
  Items out;
  for (int64_t i = 0; i < *count; ++i) {
    out.insert(out.end(), items->begin(), items->end());
  }
  return Items{new_list(call, std::move(out))};
}

std::optional<Lowering::Items> Lowering::slice_list(const Call& call) {
  const auto items = try_items(call, call.inputs.at(0), "takes a part of");
  if (!items) {
    return std::nullopt;  // a tensor
  }
  const int64_t count = std::ssize(*items);
  const auto bound = [&](const Item& item, int64_t otherwise) {
    if (item.is_none()) {
      return otherwise;
    }
    const auto value = try_int(item);
    if (!value) {
      refuse(call.node, "its bounds are not known before the model runs");
    }
    return std::clamp<int64_t>(*value < 0 ? *value + count : *value, 0, count);
  };
  const int64_t begin = bound(call.inputs.at(1), 0);
  const int64_t end = bound(call.inputs.at(2), count);
  const auto step = try_int(call.inputs.at(3));
  if (!step || *step < 1) {
    refuse(call.node, "its step is not a positive number known before");
  }
  Items out;
  for (int64_t i = begin; i < end; i += *step) {
    out.push_back((*items)[static_cast<size_t>(i)]);
  }
  return Items{new_list(call, std::move(out))};
}

std::optional<Lowering::Items> Lowering::size(const Call& call) {
  const Item& item = call.inputs.at(0);
  const auto* made = item.as<Made>();
  if (made == nullptr) {
    if (const auto* literal = item.as<Literal>()) {
      const auto sizes = literal->tensor.sizes();
      if (call.inputs.size() == 1) {
        return Items{item_of(c10::IValue(sizes.vec()))};
      }
      if (const auto dim = try_int(call.inputs.at(1))) {
        return Items{fixed_item(literal->tensor.size(*dim))};
      }
    }
    refuse(call.node, "the sizes of " + describe(item));
  }
  if (call.inputs.size() == 1) {
    return Items{{Sizes{made->id}}};
  }
  const auto dim = try_int(call.inputs.at(1));
  if (!dim) {
    refuse(call.node, "which dimension is not known before the model runs");
  }
  return Items{{builder_.size_of(made->id, *dim)}};
}

std::optional<Lowering::Items> Lowering::length(const Call& call) {
  const Item& whole = call.inputs.at(0);
  if (const auto* list = whole.as<std::shared_ptr<Compound>>()) {
    return (*list)->open_node
               ? Items{{Length{*list}}}
               : Items{fixed_item(static_cast<int64_t>((*list)->items.size()))};
  }
  if (const auto* sizes = whole.as<Sizes>()) {
    if (const auto hint = builder_.try_hint(sizes->tensor)) {
      return Items{fixed_item(hint->dim())};
    }
  }
  return std::nullopt;
}

std::optional<Lowering::Items> Lowering::num_dims(const Call& call) {
  const auto* made = call.inputs.at(0).as<Made>();
  const auto hint =
      made == nullptr ? std::nullopt : builder_.try_hint(made->id);
  if (!hint) {
    return std::nullopt;
  }
  return Items{fixed_item(hint->dim())};
}

std::optional<Lowering::Items> Lowering::element_type(const Call& call) {
  const auto* made = call.inputs.at(0).as<Made>();
  const auto hint =
      made == nullptr ? std::nullopt : builder_.try_hint(made->id);
  if (!hint) {
    refuse(call.node, "the element type is not known before the model runs");
  }
  return Items{fixed_item(static_cast<int64_t>(hint->scalar_type()))};
}

std::optional<Lowering::Items> Lowering::device(const Call&) {
  return Items{fixed_item(c10::Device(at::kCPU))};
}

std::optional<Lowering::Items> Lowering::is_same(const Call& call) {
  const bool both_none =
      call.inputs.at(0).is_none() && call.inputs.at(1).is_none();
  if (!call.inputs.at(0).is_none() && !call.inputs.at(1).is_none()) {
    return std::nullopt;  // only comparisons with None are known
  }
  const bool wants_same = call.node.kind() == c10::aten::__is__;
  return Items{fixed_item(both_none == wants_same)};
}

std::optional<Lowering::Items> Lowering::pass(const Call& call) {
  return Items{call.inputs.front()};
}

std::optional<Lowering::Items> Lowering::nothing(const Call& call) {
  return Items(call.node.outputs().size(), fixed_item(c10::IValue()));
}

}  // namespace pp::ts
