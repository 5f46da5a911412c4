#pragma once

#include <optional>

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers `d[key] = value`. Like all functions here, returns nullopt if the
/// first input is not a dict.
std::optional<Items> lower_set_entry(const NodeCall& call);
/// Lowers `key in d` to a known bool.
std::optional<Items> lower_contains(const NodeCall& call);
/// Lowers `d.keys()` to a list of strings.
std::optional<Items> lower_keys(const NodeCall& call);
/// Lowers `d.values()` to a list.
std::optional<Items> lower_values(const NodeCall& call);
/// Lowers `d.items()` to a list of (key, value) tuples.
std::optional<Items> lower_entries(const NodeCall& call);

}  // namespace pp::ts
