#pragma once

#include <optional>

#include "loader/torchscript/lower/node_call.h"

namespace pp::ts {

/// `d[key] = value`; nothing if the first input is not a dict.
std::optional<Items> lower_set_entry(const NodeCall& call);
std::optional<Items> lower_contains(const NodeCall& call);
std::optional<Items> lower_keys(const NodeCall& call);
std::optional<Items> lower_values(const NodeCall& call);
std::optional<Items> lower_entries(const NodeCall& call);

}  // namespace pp::ts
