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

}  // namespace

std::optional<Items> lower_set_entry(const NodeCall& call) {
  Container* dict = try_dict(call.inputs.at(0));
  if (dict == nullptr) {
    return std::nullopt;
  }
  check_changeable(call, *dict, "writes into");
  const std::string key = dict_key(call, call.inputs.at(1));
  const auto found = std::ranges::find(dict->keys, key);
  if (found == dict->keys.end()) {
    dict->keys.push_back(key);
    dict->items.push_back(call.inputs.at(2));
  } else {
    dict->items[static_cast<size_t>(found - dict->keys.begin())] =
        call.inputs.at(2);
  }
  return Items(call.node.outputs().size(), call.inputs.at(0));
}

std::optional<Items> lower_contains(const NodeCall& call) {
  const Container* dict = try_dict(call.inputs.at(0));
  if (dict == nullptr) {
    return std::nullopt;
  }
  const std::string key = dict_key(call, call.inputs.at(1));
  return Items{
      constant_item(std::ranges::find(dict->keys, key) != dict->keys.end())};
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
    entries.push_back(container_item(
        {.kind = Container::Kind::Tuple,
         .type = {},
         .items = {constant_item(dict->keys[i]), dict->items[i]},
         .keys = {},
         .open_node = {},
         .block_depth = call.lowering.block_depth()}));
  }
  return Items{new_list(call, std::move(entries))};
}

}  // namespace pp::ts
