#pragma once

#include <cstdint>

namespace pp {

/// splitmix64's finaliser (Steele et al. 2014): every bit of the input affects
/// every bit of the result.
constexpr uint64_t mix_bits(uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

}  // namespace pp
