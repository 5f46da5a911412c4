#include "loader/torchscript/lower/dicts.h"

#include <algorithm>
#include <utility>

#include "loader/torchscript/lower/list_access.h"

namespace pp::ts {

namespace {

Container* try_dict(const Item& item) {
  const auto* pointer = item.as<std::shared_ptr<Container>>();
  return pointer != nullptr && (*pointer)->kind == Container::Kind::Dict
             ? pointer->get()
             : nullptr;
}

std::string dict_key(const NodeCall& call, const Item& item) {
  const auto key = try_constant(item);
  if (!key || !key->isString()) {
    refuse(
        call,
        "dictionary keys must be strings that are known before the model runs");
  }
  return key->toStringRef();
}

/// Returns the dict that a node changes; null if the first input is no dict.
/// verb  what the node does, see check_changeable()
Container* try_changeable_dict(const NodeCall& call, const char* verb) {
  Container* dict = try_dict(call.inputs.at(0));
  if (dict != nullptr) {
    check_changeable(
        call, *call.inputs.at(0).as<std::shared_ptr<Container>>(), verb);
  }
  return dict;
}

/// Returns the position of a key in a dict; nullopt if it isn't there.
std::optional<size_t> position_of(
    const Container& dict, const std::string& key) {
  const auto found = std::ranges::find(dict.keys, key);
  if (found == dict.keys.end()) {
    return std::nullopt;
  }
  return static_cast<size_t>(found - dict.keys.begin());
}

void set_entry(Container& dict, const std::string& key, const Item& value) {
  if (const auto position = position_of(dict, key)) {
    dict.items[*position] = value;
  } else {
    dict.keys.push_back(key);
    dict.items.push_back(value);
  }
}

/// Removes an entry, and returns its value.
Item remove_entry(Container& dict, size_t position) {
  const auto offset = static_cast<std::ptrdiff_t>(position);
  Item removed = dict.items.at(position);
  dict.items.erase(dict.items.begin() + offset);
  dict.keys.erase(dict.keys.begin() + offset);
  return removed;
}

Item entry_item(const NodeCall& call, const Container& dict, size_t position) {
  return container_item(
      {.kind = Container::Kind::Tuple,
       .type = {},
       .items = {constant_item(dict.keys[position]), dict.items[position]},
       .keys = {},
       .open_node = {},
       .block_depth = call.lowering.block_depth()});
}

/// Returns a dict without entries, of the type that the node returns.
Container new_dict(const NodeCall& call) {
  return {
      .kind = Container::Kind::Dict,
      .type = call.node.output()->type(),
      .items = {},
      .keys = {},
      .open_node = {},
      .block_depth = call.lowering.block_depth()};
}

[[noreturn]] void refuse_key(const NodeCall& call, const std::string& key) {
  refuse(call, "the dictionary has no key '" + key + "'");
}

}  // namespace

std::optional<Items> lower_set_entry(const NodeCall& call) {
  Container* dict = try_changeable_dict(call, "writes into");
  if (dict == nullptr) {
    return std::nullopt;
  }
  set_entry(*dict, dict_key(call, call.inputs.at(1)), call.inputs.at(2));
  return Items(call.node.outputs().size(), call.inputs.at(0));
}

std::optional<Items> lower_set_default(const NodeCall& call) {
  Container* dict = try_changeable_dict(call, "writes into");
  if (dict == nullptr) {
    return std::nullopt;
  }
  const std::string key = dict_key(call, call.inputs.at(1));
  if (const auto position = position_of(*dict, key)) {
    return Items{dict->items[*position]};
  }
  set_entry(*dict, key, call.inputs.at(2));
  return Items{call.inputs.at(2)};
}

std::optional<Items> lower_update(const NodeCall& call) {
  Container* dict = try_changeable_dict(call, "writes into");
  const Container* added = try_dict(call.inputs.at(1));
  if (dict == nullptr || added == nullptr) {
    return std::nullopt;
  }
  for (size_t i = 0; i < added->keys.size(); ++i) {
    // Each added entry is searched for among the existing ones.
    call.lowering.steps.add(dict->keys.size() + 1);
    set_entry(*dict, added->keys[i], added->items[i]);
  }
  return Items{};
}

std::optional<Items> lower_pop_entry(const NodeCall& call) {
  Container* dict = try_changeable_dict(call, "removes from");
  if (dict == nullptr) {
    return std::nullopt;
  }
  const std::string key = dict_key(call, call.inputs.at(1));
  if (const auto position = position_of(*dict, key)) {
    return Items{remove_entry(*dict, *position)};
  }
  if (call.inputs.size() < 3) {
    refuse_key(call, key);
  }
  return Items{call.inputs.at(2)};
}

std::optional<Items> lower_pop_first_entry(const NodeCall& call) {
  Container* dict = try_changeable_dict(call, "removes from");
  if (dict == nullptr) {
    return std::nullopt;
  }
  if (dict->keys.empty()) {
    refuse(call, "the dictionary is empty");
  }
  Item entry = entry_item(call, *dict, 0);
  remove_entry(*dict, 0);
  return Items{std::move(entry)};
}

std::optional<Items> lower_delete_entry(const NodeCall& call) {
  Container* dict = try_changeable_dict(call, "removes from");
  if (dict == nullptr) {
    return std::nullopt;
  }
  const std::string key = dict_key(call, call.inputs.at(1));
  const auto position = position_of(*dict, key);
  if (!position) {
    refuse_key(call, key);
  }
  remove_entry(*dict, *position);
  return Items{};
}

std::optional<Items> lower_clear_dict(const NodeCall& call) {
  Container* dict = try_changeable_dict(call, "clears");
  if (dict == nullptr) {
    return std::nullopt;
  }
  dict->keys.clear();
  dict->items.clear();
  return Items{};
}

std::optional<Items> lower_get_entry(const NodeCall& call) {
  const Container* dict = try_dict(call.inputs.at(0));
  if (dict == nullptr) {
    return std::nullopt;
  }
  if (const auto position =
          position_of(*dict, dict_key(call, call.inputs.at(1)))) {
    return Items{dict->items[*position]};
  }
  return Items{
      call.inputs.size() < 3 ? constant_item(c10::IValue())
                             : call.inputs.at(2)};
}

std::optional<Items> lower_copy_dict(const NodeCall& call) {
  const Container* dict = try_dict(call.inputs.at(0));
  if (dict == nullptr) {
    return std::nullopt;
  }
  call.lowering.steps.add(dict->keys.size());
  Container copy = new_dict(call);
  copy.keys = dict->keys;
  copy.items = dict->items;
  return Items{container_item(std::move(copy))};
}

std::optional<Items> lower_new_dict(const NodeCall& call) {
  if (call.inputs.empty()) {
    return Items{container_item(new_dict(call))};
  }
  if (try_dict(call.inputs.at(0)) != nullptr) {
    return lower_copy_dict(call);
  }
  const auto entries = try_list_items(call, call.inputs.at(0), "reads");
  if (!entries) {
    return std::nullopt;
  }
  Container dict = new_dict(call);
  for (const Item& entry : *entries) {
    const Container* pair = entry.container();
    if (pair == nullptr || pair->items.size() != 2) {
      return std::nullopt;
    }
    call.lowering.steps.add(dict.keys.size() + 1);
    set_entry(dict, dict_key(call, pair->items[0]), pair->items[1]);
  }
  return Items{container_item(std::move(dict))};
}

std::optional<Items> lower_contains(const NodeCall& call) {
  const Container* dict = try_dict(call.inputs.at(0));
  if (dict == nullptr) {
    return std::nullopt;
  }
  const std::string key = dict_key(call, call.inputs.at(1));
  return Items{constant_item(position_of(*dict, key).has_value())};
}

std::optional<Items> lower_keys(const NodeCall& call) {
  const Container* dict = try_dict(call.inputs.at(0));
  if (dict == nullptr) {
    return std::nullopt;
  }
  Items keys;
  for (const std::string& key : dict->keys) {
    keys.push_back(constant_item(key));
  }
  return Items{new_list(call, std::move(keys))};
}

std::optional<Items> lower_values(const NodeCall& call) {
  const Container* dict = try_dict(call.inputs.at(0));
  return dict == nullptr ? std::nullopt
                         : std::optional(Items{new_list(call, dict->items)});
}

std::optional<Items> lower_entries(const NodeCall& call) {
  const Container* dict = try_dict(call.inputs.at(0));
  if (dict == nullptr) {
    return std::nullopt;
  }
  Items entries;
  for (size_t i = 0; i < dict->keys.size(); ++i) {
    entries.push_back(entry_item(call, *dict, i));
  }
  return Items{new_list(call, std::move(entries))};
}

}  // namespace pp::ts
