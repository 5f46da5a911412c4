#pragma once

#include <string>
#include <vector>

#include "loader/model.h"

namespace pp::ts {

/// The stage's graph in text form: names, sizes and modules that TorchScript's
/// own code does not keep. Ours; other files have none.
inline constexpr const char* kGraphFile = "pp_graph.txt";
inline constexpr const char* kGraphRecord = "extra/pp_graph.txt";

/// What a forward returns, down to its leaves, which are the graph's outputs
/// in order.
struct Returned {
  enum class Kind { Leaf, Tuple, List, Dict };
  Kind kind = Kind::Leaf;
  std::string type_name;           ///< a named tuple's
  std::vector<std::string> keys;   ///< of a dict or named tuple
  std::vector<Returned> children;  ///< none for a leaf
};

struct Details : FormatDetails {
  Returned returned;
};

}  // namespace pp::ts
