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

std::optional<Lowering::Items> Lowering::append(const Call& call) {
  Compound* list = try_list(call.inputs.at(0));
  if (list == nullptr || list->open_node) {
    refuse(call.node, "appends to " + describe(call.inputs.at(0)));
  }
  if (list->block < builder_.block_depth()) {
    refuse(
        call.node,
        "appends, in a branch or loop that depends on what is computed, to a "
        "list made outside; its length would not be known: write into a "
        "tensor, or trace the model");
  }
  list->items.push_back(call.inputs.at(1));
  return Items{call.inputs.at(0)};
}

std::optional<Lowering::Items> Lowering::join_lists(const Call& call) {
  const auto items_of = [&](const Item& item) -> std::optional<Items> {
    if (const auto* sizes = item.as<Sizes>()) {
      const auto hint = builder_.try_hint(sizes->tensor);
      if (!hint) {
        refuse(call.node, "joins " + describe(item));
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
      refuse(call.node, "joins " + describe(item));
    }
    return list->items;
  };
  auto left = items_of(call.inputs.at(0));
  if (!left) {
    return std::nullopt;  // tensors or numbers
  }
  const auto right = items_of(call.inputs.at(1));
  if (!right) {
    return std::nullopt;
  }
  left->insert(left->end(), right->begin(), right->end());
  return Items{shared(
      {.kind = Compound::Kind::List,
       .type = call.node.output()->type(),
       .items = std::move(*left),
       .keys = {},
       .open_node = {},
       .block = builder_.block_depth()})};
}

std::optional<Lowering::Items> Lowering::slice_list(const Call& call) {
  const Item& whole = call.inputs.at(0);
  const Compound* list = try_list(whole);
  const auto* sizes = whole.as<Sizes>();
  if (list == nullptr && sizes == nullptr) {
    return std::nullopt;  // a tensor
  }
  int64_t count = list == nullptr ? -1 : std::ssize(list->items);
  if (sizes != nullptr) {
    const auto hint = builder_.try_hint(sizes->tensor);
    count = hint ? hint->dim() : -1;
  }
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
  if (count < 0 || (list != nullptr && list->open_node)) {
    refuse(call.node, "takes a part of " + describe(whole));
  }
  const int64_t begin = bound(call.inputs.at(1), 0);
  const int64_t end = bound(call.inputs.at(2), count);
  const auto step = try_int(call.inputs.at(3));
  if (!step || *step < 1) {
    refuse(call.node, "its step is not a positive number known before");
  }
  Compound out{
      .kind = Compound::Kind::List,
      .type = call.node.output()->type(),
      .items = {},
      .keys = {},
      .open_node = {},
      .block = builder_.block_depth()};
  for (int64_t i = begin; i < end; i += *step) {
    out.items.push_back(
        list != nullptr ? list->items[static_cast<size_t>(i)]
                        : Item{builder_.size_of(sizes->tensor, i)});
  }
  return Items{shared(std::move(out))};
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
