#pragma once

#include <cstdint>
#include <optional>

// Integer arithmetic for numbers from files, with Python's rounding. Each
// function returns nullopt if the result doesn't fit in an int64_t or the
// divisor is zero.

namespace pp {

inline std::optional<int64_t> try_add(int64_t a, int64_t b) {
  int64_t out = 0;
  return __builtin_add_overflow(a, b, &out) ? std::nullopt : std::optional(out);
}

inline std::optional<int64_t> try_subtract(int64_t a, int64_t b) {
  int64_t out = 0;
  return __builtin_sub_overflow(a, b, &out) ? std::nullopt : std::optional(out);
}

inline std::optional<int64_t> try_multiply(int64_t a, int64_t b) {
  int64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? std::nullopt : std::optional(out);
}

/// Divides and rounds down: -7 / 2 is -4.
inline std::optional<int64_t> try_floor_divide(int64_t a, int64_t b) {
  if (b == 0) {
    return std::nullopt;
  }
  if (b == -1) {  // INT64_MIN / -1 is not an int64_t, and traps
    return try_subtract(0, a);
  }
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

/// Returns the remainder with the sign of the divisor: -7 % 2 is 1.
inline std::optional<int64_t> try_modulo(int64_t a, int64_t b) {
  if (b == 0) {
    return std::nullopt;
  }
  if (b == -1) {
    return 0;
  }
  const int64_t remainder = a % b;
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b
                                                      : remainder;
}

/// Raises `base` to `exponent`, which must be 0 or more.
inline std::optional<int64_t> try_power(int64_t base, int64_t exponent) {
  if (base == 0 || base == 1) {
    return exponent == 0 ? 1 : base;
  }
  if (base == -1) {
    return exponent % 2 == 0 ? 1 : -1;
  }
  std::optional<int64_t> out = 1;  // overflows within 63 steps
  for (int64_t i = 0; out && i < exponent; ++i) {
    out = try_multiply(*out, base);
  }
  return out;
}

}  // namespace pp
