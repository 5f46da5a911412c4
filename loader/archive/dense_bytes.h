#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

namespace pp {

/// Number of bytes of a contiguous tensor; nullopt if a size is negative or the
/// number doesn't fit in an int64_t.
inline std::optional<uint64_t> dense_bytes(
    std::span<const int64_t> sizes, int64_t element_bytes) {
  if (std::ranges::any_of(sizes, [](int64_t size) { return size < 0; })) {
    return std::nullopt;
  }
  if (std::ranges::find(sizes, 0) != sizes.end()) {
    return 0;
  }
  int64_t total = element_bytes;
  for (const int64_t size : sizes) {
    if (__builtin_mul_overflow(total, size, &total)) {
      return std::nullopt;
    }
  }
  return static_cast<uint64_t>(total);
}

}  // namespace pp
