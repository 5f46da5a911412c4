#include "loader/torchscript/lower/containers.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "loader/torchscript/lower/dicts.h"
#include "loader/torchscript/lower/list_access.h"
#include "loader/torchscript/lower/nodes.h"
#include "loader/torchscript/lower/open_lists.h"

namespace pp::ts {

namespace {

/// Adds the entries whose keys and values alternate in the node's inputs. If a
/// key occurs several times, its last value is used.
void add_entries(const NodeCall& call, Container& dict) {
  std::map<std::string, size_t> positions;
  for (size_t i = 0; i + 1 < call.inputs.size(); i += 2) {
    const auto key = try_constant(call.inputs[i]);
    if (!key || !key->isString()) {
      refuse(call, "dictionary keys must be strings");
    }
    const auto [found, is_new] =
        positions.emplace(key->toStringRef(), dict.keys.size());
    if (is_new) {
      dict.keys.push_back(found->first);
      dict.items.push_back(call.inputs[i + 1]);
    } else {
      dict.items[found->second] = call.inputs[i + 1];
    }
  }
}

const Item& find_entry(
    const NodeCall& call,
    const Container& dict,
    const std::optional<c10::IValue>& key) {
  if (!key || !key->isString()) {
    refuse(
        call, "the key must be a string that is known before the model runs");
  }
  const auto found = std::ranges::find(dict.keys, key->toStringRef());
  if (found == dict.keys.end()) {
    refuse(call, "the dictionary has no key '" + key->toStringRef() + "'");
  }
  return dict.items[static_cast<size_t>(found - dict.keys.begin())];
}

/// Positions in a list of `count` items that a slice may start or end at.
struct SliceBounds {
  int64_t count;
  int64_t lowest;
  int64_t highest;
};

/// The position that a slice starts or ends at; `fallback` for None.
int64_t slice_bound(
    const NodeCall& call,
    const Item& item,
    const SliceBounds& bounds,
    int64_t fallback) {
  if (item.is_none()) {
    return fallback;
  }
  const auto value = try_int(item);
  if (!value) {
    refuse(call, "the bounds of the slice are not known before the model runs");
  }
  return std::clamp<int64_t>(
      *value < 0 ? *value + bounds.count : *value,
      bounds.lowest,
      bounds.highest);
}

}  // namespace

std::optional<Items> lower_construct(const NodeCall& call) {
  Container out{
      .kind = Container::Kind::List,
      .type = call.node.output()->type(),
      .items = {},
      .keys = {},
      .open_node = {},
      .block_depth = call.lowering.block_depth()};
  call.lowering.steps.add(call.inputs.size());
  if (call.node.kind() == c10::prim::DictConstruct) {
    out.kind = Container::Kind::Dict;
    add_entries(call, out);
  } else {
    out.items = call.inputs;
    if (call.node.kind() == c10::prim::TupleConstruct) {
      out.kind = Container::Kind::Tuple;
    }
  }
  return Items{container_item(std::move(out))};
}

std::optional<Items> lower_unpack(const NodeCall& call) {
  const size_t count = call.node.outputs().size();
  const Item& whole = call.inputs.front();
  if (const auto* sizes = whole.as<TensorSizes>()) {
    Items out;
    for (size_t i = 0; i < count; ++i) {
      out.push_back(
          {add_size(call.lowering, sizes->tensor, static_cast<int64_t>(i))});
    }
    return out;
  }
  if (Container* list = try_list(whole); list != nullptr && list->open_node) {
    settle_length(call.lowering, *list, count);
  }
  const Container* container = whole.container();
  if (container == nullptr || container->items.size() != count) {
    refuse(
        call,
        "it unpacks " + std::to_string(count) + " values from " +
            describe(whole) +
            "; it needs a list or tuple of exactly that many items");
  }
  return container->items;
}

std::optional<Items> lower_get_item(const NodeCall& call) {
  const Item& whole = call.inputs.at(0);
  const auto key = try_constant(call.inputs.at(1));
  const Container* container = whole.container();
  if (container != nullptr && container->kind == Container::Kind::Dict) {
    return Items{find_entry(call, *container, key)};
  }
  if (!key || !key->isInt()) {
    refuse(call, "the index is not known before the model runs");
  }
  int64_t index = key->toInt();
  if (const auto* sizes = whole.as<TensorSizes>()) {
    return Items{{add_size(call.lowering, sizes->tensor, index)}};
  }
  if (container == nullptr || container->open_node) {
    refuse(
        call,
        "it indexes " + describe(whole) +
            "; only a list or tuple of known length can be indexed");
  }
  const int64_t count = std::ssize(container->items);
  index += index < 0 ? count : 0;
  if (index < 0 || index >= count) {
    refuse(
        call,
        "index " + std::to_string(key->toInt()) +
            " is out of range for a list or tuple of " + std::to_string(count) +
            " items");
  }
  return Items{container->items[static_cast<size_t>(index)]};
}

std::optional<Items> lower_copy_list(const NodeCall& call) {
  auto items = try_list_items(call, call.inputs.at(0), "copies");
  if (!items) {
    return lower_copy_dict(call);
  }
  return Items{new_list(call, std::move(*items))};
}

std::optional<Items> lower_join_lists(const NodeCall& call) {
  auto left = try_list_items(call, call.inputs.at(0), "joins");
  if (!left) {
    return std::nullopt;  // tensors or numbers
  }
  const auto right = try_list_items(call, call.inputs.at(1), "joins");
  if (!right) {
    return std::nullopt;
  }
  left->insert(left->end(), right->begin(), right->end());
  return Items{new_list(call, std::move(*left))};
}

std::optional<Items> lower_repeat_list(const NodeCall& call) {
  auto items = try_list_items(call, call.inputs.at(0), "repeats");
  const bool list_first = items.has_value();
  if (!list_first) {
    items = try_list_items(call, call.inputs.at(1), "repeats");
  }
  if (!items) {
    return std::nullopt;  // tensors or numbers
  }
  const auto count = try_int(call.inputs.at(list_first ? 1 : 0));
  if (!count) {
    refuse(
        call,
        "the number of repetitions of a list is not known before the model "
        "runs");
  }
  Items out;
  for (int64_t i = 0; i < *count && !items->empty(); ++i) {
    call.lowering.steps.add(items->size());
    out.insert(out.end(), items->begin(), items->end());
  }
  return Items{new_list(call, std::move(out))};
}

std::optional<Items> lower_slice_list(const NodeCall& call) {
  const auto items = try_list_items(call, call.inputs.at(0), "slices");
  if (!items) {
    return std::nullopt;  // a tensor
  }
  const int64_t count = std::ssize(*items);
  const auto step = try_int(call.inputs.at(3));
  if (!step || *step == 0) {
    refuse(
        call,
        "the step of the slice must be a number other than 0 that is known "
        "before the model runs");
  }
  // A negative step counts down from the last item to the first.
  const int64_t lowest = *step < 0 ? -1 : 0;
  const int64_t highest = *step < 0 ? count - 1 : count;
  const SliceBounds bounds{count, lowest, highest};
  const int64_t begin = slice_bound(
      call, call.inputs.at(1), bounds, *step < 0 ? highest : lowest);
  const int64_t end = slice_bound(
      call, call.inputs.at(2), bounds, *step < 0 ? lowest : highest);
  // A longer step selects one item anyway; clamping it avoids an overflow.
  const int64_t stride = std::clamp<int64_t>(*step, -count - 1, count + 1);
  Items out;
  for (int64_t i = begin; stride < 0 ? i > end : i < end; i += stride) {
    out.push_back((*items)[static_cast<size_t>(i)]);
  }
  return Items{new_list(call, std::move(out))};
}

}  // namespace pp::ts
