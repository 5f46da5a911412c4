#include "loader/torchscript/lower/list_changes.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "loader/torchscript/lower/dicts.h"
#include "loader/torchscript/lower/list_access.h"

namespace pp::ts {

namespace {

/// The list itself, for each output of the node.
Items changed_list(const NodeCall& call) {
  Items lists;
  lists.assign(call.node.outputs().size(), call.inputs.at(0));
  return lists;
}

/// Whether `a` comes before `b` in an ascending list.
bool is_before(const c10::IValue& a, const c10::IValue& b) {
  if (a.isString()) {
    return a.toStringRef() < b.toStringRef();
  }
  return a.isDouble() ? a.toDouble() < b.toDouble()
         : a.isInt()  ? a.toInt() < b.toInt()
                      : a.toBool() < b.toBool();
}

/// Whether values of this kind have an order.
bool has_order(const c10::IValue& value) {
  return value.isString() || value.isInt() || value.isBool() ||
         (value.isDouble() && !std::isnan(value.toDouble()));
}

/// The value of an item that must be known to sort a list or to find an item.
c10::IValue known_value(
    const NodeCall& call, const Item& item, const char* verb) {
  const auto* constant = item.as<Constant>();
  if (constant == nullptr || !has_order(constant->value)) {
    refuse(
        call,
        verb + (" " + describe(item)) +
            "; only numbers and strings that are known before the model runs "
            "can be compared");
  }
  return constant->value;
}

}  // namespace

std::optional<Items> lower_set_item(const NodeCall& call) {
  if (try_list(call.inputs.at(0)) == nullptr) {
    return lower_set_entry(call);
  }
  Items& items = changeable_list(call, "writes into").items;
  items[list_index(call, std::ssize(items))] = call.inputs.at(2);
  return changed_list(call);
}

std::optional<Items> lower_append(const NodeCall& call) {
  changeable_list(call, "appends to").items.push_back(call.inputs.at(1));
  return Items{call.inputs.at(0)};
}

std::optional<Items> lower_extend(const NodeCall& call) {
  const auto added = try_list_items(call, call.inputs.at(1), "appends");
  if (!added) {
    return std::nullopt;
  }
  Items& items = changeable_list(call, "appends to").items;
  call.lowering.steps.add(added->size());
  items.insert(items.end(), added->begin(), added->end());
  return changed_list(call);
}

std::optional<Items> lower_insert(const NodeCall& call) {
  Items& items = changeable_list(call, "inserts into").items;
  const auto index = try_int(call.inputs.at(1));
  if (!index) {
    refuse(call, "the list index is not known before the model runs");
  }
  const int64_t count = std::ssize(items);
  const int64_t position =
      std::clamp<int64_t>(*index < 0 ? *index + count : *index, 0, count);
  items.insert(items.begin() + position, call.inputs.at(2));
  return changed_list(call);
}

std::optional<Items> lower_pop(const NodeCall& call) {
  if (try_list(call.inputs.at(0)) == nullptr) {
    return lower_pop_entry(call);
  }
  Items& items = changeable_list(call, "removes from").items;
  const size_t index = list_index(call, std::ssize(items));
  Item removed = items[index];
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(index));
  return Items{std::move(removed)};
}

std::optional<Items> lower_delete(const NodeCall& call) {
  if (try_list(call.inputs.at(0)) == nullptr) {
    return lower_delete_entry(call);
  }
  Items& items = changeable_list(call, "removes from").items;
  const size_t index = list_index(call, std::ssize(items));
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(index));
  return Items{};
}

std::optional<Items> lower_reverse(const NodeCall& call) {
  std::ranges::reverse(changeable_list(call, "reverses").items);
  return Items{};
}

std::optional<Items> lower_sort(const NodeCall& call) {
  if (try_list(call.inputs.at(0)) == nullptr) {
    return std::nullopt;  // a tensor
  }
  Items& items = changeable_list(call, "sorts").items;
  call.lowering.steps.add(items.size());
  const auto descending = try_constant(call.inputs.at(1));
  if (!descending || !descending->isBool()) {
    refuse(call, "the order is not known before the model runs");
  }
  std::vector<c10::IValue> values;
  for (const Item& item : items) {
    values.push_back(known_value(call, item, "sorts"));
  }
  std::ranges::stable_sort(
      values, [&](const c10::IValue& a, const c10::IValue& b) {
        return descending->toBool() ? is_before(b, a) : is_before(a, b);
      });
  std::ranges::transform(values, items.begin(), constant_item);
  return Items{};
}

std::optional<Items> lower_remove(const NodeCall& call) {
  Items& items = changeable_list(call, "removes from").items;
  call.lowering.steps.add(items.size());
  const c10::IValue wanted =
      known_value(call, call.inputs.at(1), "searches a list for");
  const auto found = std::ranges::find_if(items, [&](const Item& item) {
    return known_value(call, item, "searches a list that holds") == wanted;
  });
  if (found == items.end()) {
    refuse(call, "the item to remove is not in the list");
  }
  items.erase(found);
  return Items{};
}

std::optional<Items> lower_clear(const NodeCall& call) {
  if (try_list(call.inputs.at(0)) == nullptr) {
    return lower_clear_dict(call);
  }
  changeable_list(call, "clears").items.clear();
  return Items{};
}

}  // namespace pp::ts
