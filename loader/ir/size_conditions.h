#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "loader/ir/graph.h"

namespace pp::ir {

/// An export sets a lower bound of 2 on every free size, because it specializes
/// 0 and 1. torch doesn't enforce that bound, and graphs work for 1.
inline constexpr int64_t kUnenforcedMin = 2;

/// Narrows `both` to the values that `other` allows too.
void narrow(Range& both, const Range& other);

/// A leaf of a guard: a property of an input's memory, "L['x'].size()[1]".
struct GuardLeaf {
  std::string input;
  std::string_view property;  ///< "size", "stride", "storage_offset"
  size_t dimension = 0;       ///< 0 for a storage offset
};

/// Returns none for a leaf that isn't such a property. The result refers to
/// `leaf`.
std::optional<GuardLeaf> parse_guard_leaf(std::string_view leaf);

/// "L['x'].size()[1]": the leaf for a size of an input.
std::string size_leaf(const std::string& input, size_t dimension);

/// Replaces the names of inputs in a guard. Inputs that `names` lacks keep
/// theirs.
std::string rename_inputs(
    const std::string& guard, const std::map<std::string, std::string>& names);

}  // namespace pp::ir
