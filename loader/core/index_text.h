#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "loader/core/text.h"

namespace pp {

/// Describes an index out of range: "index out of range: 'input_ids' holds 64
/// at [1, 5], but only 0 to 63 are valid".
///
/// name      the tensor of indices, as named in the message
/// sizes     the sizes of the tensor of indices
/// position  the bad index's position in the tensor, in row-major order
/// index     the bad index
/// least     the smallest valid index
/// most      the largest valid index
inline std::string index_text(
    const std::string& name,
    std::span<const int64_t> sizes,
    int64_t position,
    int64_t index,
    int64_t least,
    int64_t most) {
  std::vector<int64_t> place(sizes.size());
  for (size_t i = sizes.size(); i-- > 0;) {
    place[i] = position % sizes[i];
    position /= sizes[i];
  }
  return "index out of range: '" + name + "' holds " + std::to_string(index) +
         (place.empty() ? "" : " at " + shape_text(place)) + ", but only " +
         std::to_string(least) + " to " + std::to_string(most) + " are valid";
}

}  // namespace pp
