#pragma once

#include <optional>

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// Lowers `d[key] = value`. Returns nullopt if the first input is not a dict.
std::optional<Items> lower_set_entry(const NodeCall& call);
std::optional<Items> lower_contains(const NodeCall& call);
std::optional<Items> lower_keys(const NodeCall& call);
std::optional<Items> lower_values(const NodeCall& call);
std::optional<Items> lower_entries(const NodeCall& call);

}  // namespace pp::ts
