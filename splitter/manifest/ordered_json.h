#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "loader/ir/types.h"

namespace pp {

/// JSON that keeps its keys in the order of insertion.
using OrderedJson = nlohmann::ordered_json;

/// Converts sizes to JSON: a fixed size to a number, a symbolic size to
/// {"expr": "s0", "hint": 2}.
inline OrderedJson dims_json(const std::vector<ir::Dim>& dims) {
  OrderedJson out = OrderedJson::array();
  for (const ir::Dim& dim : dims) {
    if (dim.is_fixed()) {
      out.push_back(dim.value);
    } else {
      out.push_back({{"expr", dim.expr}, {"hint", dim.value}});
    }
  }
  return out;
}

}  // namespace pp
