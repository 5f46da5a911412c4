#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "loader/ir/graph.h"

namespace pp::ir {

/// The lower bound that torch.export sets on every free size, because it treats
/// the sizes 0 and 1 as special cases. torch doesn't enforce this bound, and
/// graphs also work for a size of 1.
inline constexpr int64_t kUnenforcedMin = 2;

/// Intersects `both` with `other`, in place.
void narrow(Range& both, const Range& other);

/// A guard's leaf (see Expression) that stands for a property of an input, such
/// as "L['x'].size()[1]".
struct GuardLeaf {
  std::string input;
  std::string_view property;  ///< "size", "stride", "storage_offset"
  size_t dimension = 0;       ///< 0 if the property is a storage offset
};

/// Parses a leaf of a guard. Returns nullopt if it isn't a property of an
/// input's memory. The result refers to `leaf`, which must outlive it.
std::optional<GuardLeaf> parse_guard_leaf(std::string_view leaf);

/// Returns the leaf for a size of an input: "L['x'].size()[1]".
std::string size_leaf(const std::string& input, size_t dimension);

/// Replaces the names of inputs in a guard by their entries in `names`. Inputs
/// without an entry keep their names.
std::string rename_inputs(
    const std::string& guard, const std::map<std::string, std::string>& names);

}  // namespace pp::ir
