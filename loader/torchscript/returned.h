#pragma once

#include <string>
#include <vector>

#include "loader/model/model.h"

namespace pp::ts {

/// The structure of the value that forward returns. Its leaves are the graph's
/// outputs, in order.
struct Returned {
  enum class Kind { Leaf, Tuple, List, Dict };
  Kind kind = Kind::Leaf;
  std::string type_name;  ///< only for a named tuple
  /// One per child; only for a dict or named tuple.
  std::vector<std::string> keys;
  std::vector<Returned> children;  ///< empty for a leaf
};

/// Data that a loaded TorchScript model keeps for its writer.
struct Details : FormatDetails {
  Returned returned;
};

}  // namespace pp::ts
