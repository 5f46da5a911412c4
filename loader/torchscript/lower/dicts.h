#pragma once

#include <optional>

#include "loader/torchscript/lower/node_call.h"

// Lowers nodes that make, read or change a dict with string keys. Each function
// returns nullopt if the first input is not such a dict. The functions that
// change a dict change the container during lowering and add nothing to the
// graph.
namespace pp::ts {

/// Lowers `d[key] = value`.
std::optional<Items> lower_set_entry(const NodeCall& call);
/// Lowers `d.setdefault(key, value)`.
std::optional<Items> lower_set_default(const NodeCall& call);
/// Lowers `d.update(other)`.
std::optional<Items> lower_update(const NodeCall& call);
/// Lowers `d.pop(key)` and `d.pop(key, default)`.
std::optional<Items> lower_pop_entry(const NodeCall& call);
/// Lowers `d.popitem()`, which removes the first entry in TorchScript.
std::optional<Items> lower_pop_first_entry(const NodeCall& call);
/// Lowers `del d[key]`.
std::optional<Items> lower_delete_entry(const NodeCall& call);
/// Lowers `d.clear()`.
std::optional<Items> lower_clear_dict(const NodeCall& call);
/// Lowers `d.get(key)` and `d.get(key, default)`.
std::optional<Items> lower_get_entry(const NodeCall& call);
/// Lowers `d.copy()` and `dict(d)`.
std::optional<Items> lower_copy_dict(const NodeCall& call);
/// Lowers `dict()`, `dict(d)` and `dict(list of (key, value))`.
std::optional<Items> lower_new_dict(const NodeCall& call);
/// Lowers `key in d` to a known bool.
std::optional<Items> lower_contains(const NodeCall& call);
/// Lowers `d.keys()` to a list of strings.
std::optional<Items> lower_keys(const NodeCall& call);
/// Lowers `d.values()` to a list.
std::optional<Items> lower_values(const NodeCall& call);
/// Lowers `d.items()` to a list of (key, value) tuples.
std::optional<Items> lower_entries(const NodeCall& call);

}  // namespace pp::ts
