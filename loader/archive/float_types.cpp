#include "loader/archive/float_types.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "loader/core/error.h"

namespace pp {

namespace {

using ir::ScalarType;

template <typename Number>
Number load_number(const std::byte* at) {
  Number out;
  std::memcpy(&out, at, sizeof(Number));
  return out;
}

float half_to_float(uint16_t half) {
  const int exponent = (half >> 10) & 0x1f;
  const int fraction = half & 0x3ff;
  float size = 0;
  if (exponent == 0x1f) {
    size = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    size = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    size = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  }
  return (half & 0x8000) != 0 ? -size : size;
}

/// Divides by 2^shift and rounds to the nearest integer, ties to the even one.
uint32_t rounded_shift(uint32_t value, int shift) {
  const uint32_t half = (uint32_t{1} << (shift - 1)) - 1;
  return (value + half + ((value >> shift) & 1)) >> shift;
}

uint16_t to_bfloat16(float number) {
  constexpr uint16_t kNaN = 0x7fc0;
  return std::isnan(number) ? kNaN
                            : static_cast<uint16_t>(rounded_shift(
                                  std::bit_cast<uint32_t>(number), 16));
}

uint16_t to_half(float number) {
  constexpr uint16_t kInfinity = 0x7c00;
  constexpr uint16_t kNaN = 0x7e00;
  // The smallest number that rounds to infinity, and the smallest normal one.
  constexpr float kTooLarge = 65520.0F;
  constexpr float kSmallestNormal = 0x1p-14F;
  const auto bits = std::bit_cast<uint32_t>(number);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const float size = std::fabs(number);
  if (std::isnan(number)) {
    return sign | kNaN;
  }
  if (size >= kTooLarge) {
    return sign | kInfinity;
  }
  if (size < kSmallestNormal) {
    // Multiples of 2^-24. nearbyint rounds ties to even, and may give 1024,
    // which is the encoding of the smallest normal number.
    return sign | static_cast<uint16_t>(std::nearbyint(std::ldexp(size, 24)));
  }
  // The exponent's bias falls from 127 to 15; a carry out of the fraction
  // raises the exponent, as it should.
  constexpr uint32_t kBias = uint32_t{127 - 15} << 23;
  return sign |
         static_cast<uint16_t>(rounded_shift((bits & 0x7fffffff) - kBias, 13));
}

float number_at(ScalarType type, const std::byte* at) {
  switch (type) {
    case ScalarType::Half:
      return half_to_float(load_number<uint16_t>(at));
    case ScalarType::BFloat16:
      return std::bit_cast<float>(
          static_cast<uint32_t>(load_number<uint16_t>(at)) << 16);
    case ScalarType::Double:
      return static_cast<float>(load_number<double>(at));
    default:
      return load_number<float>(at);
  }
}

template <typename Stored, typename Encode>
std::vector<std::byte> converted(
    ScalarType from, std::span<const std::byte> bytes, Encode encode) {
  const auto size = static_cast<size_t>(ir::element_size(from));
  std::vector<std::byte> out(bytes.size() / size * sizeof(Stored));
  for (size_t i = 0; i * size < bytes.size(); ++i) {
    const Stored stored = encode(number_at(from, bytes.data() + i * size));
    std::memcpy(out.data() + i * sizeof(Stored), &stored, sizeof(Stored));
  }
  return out;
}

}  // namespace

bool is_convertible_float(ScalarType type) {
  return type == ScalarType::Half || type == ScalarType::BFloat16 ||
         type == ScalarType::Float || type == ScalarType::Double;
}

std::vector<std::byte> convert_floats(
    ScalarType from, std::span<const std::byte> bytes, ScalarType to) {
  check(is_convertible_float(from), "the source type is a float");
  switch (to) {
    case ScalarType::BFloat16:
      return converted<uint16_t>(from, bytes, to_bfloat16);
    case ScalarType::Half:
      return converted<uint16_t>(from, bytes, to_half);
    default:
      check(to == ScalarType::Float, "the target type is a float");
      return converted<float>(from, bytes, [](float x) { return x; });
  }
}

}  // namespace pp
