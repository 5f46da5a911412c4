#include "loader/torchscript/lower/list_changes.h"

#include <algorithm>
#include <utility>

#include "loader/torchscript/lower/dicts.h"
#include "loader/torchscript/lower/list_access.h"

namespace pp::ts {

namespace {

/// The list itself, for each output of the node.
Items changed_list(const NodeCall& call) {
  return Items(call.node.outputs().size(), call.inputs.at(0));
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
    return std::nullopt;
  }
  Items& items = changeable_list(call, "removes from").items;
  const size_t index = list_index(call, std::ssize(items));
  Item removed = items[index];
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(index));
  return Items{std::move(removed)};
}

}  // namespace pp::ts
