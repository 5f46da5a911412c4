#include "loader/archive/float_types.h"

#include <cmath>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

namespace pp::test {
namespace {

using ir::ScalarType;

template <typename To, typename From>
std::vector<To> convert(
    ScalarType from, const std::vector<From>& numbers, ScalarType to) {
  const std::vector<std::byte> bytes =
      convert_floats(from, std::as_bytes(std::span(numbers)), to);
  std::vector<To> out(bytes.size() / sizeof(To));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

TEST(FloatTypes, RoundsToTheNearestAndTiesToEven) {
  const std::vector<float> numbers = {
      1.0F, -2.5F, 1.00390625F, 1.01171875F, 3.4e38F, -INFINITY, -0.0F};
  EXPECT_EQ(
      (convert<uint16_t>(ScalarType::Float, numbers, ScalarType::BFloat16)),
      (std::vector<uint16_t>{
          0x3f80, 0xc020, 0x3f80, 0x3f82, 0x7f80, 0xff80, 0x8000}));
  // The last ones: the largest half, what rounds to infinity, the smallest
  // normal and subnormal numbers, and half of the smallest.
  const std::vector<float> halves = {
      1.0F,
      -2.5F,
      1.00048828125F,
      1.00146484375F,
      65504.0F,
      65520.0F,
      1e-8F,
      0x1p-14F,
      0x1p-24F,
      0x1p-25F,
      -1e30F,
      0x1.8p-24F};
  EXPECT_EQ(
      (convert<uint16_t>(ScalarType::Float, halves, ScalarType::Half)),
      (std::vector<uint16_t>{
          0x3c00,
          0xc100,
          0x3c00,
          0x3c02,
          0x7bff,
          0x7c00,
          0x0000,
          0x0400,
          0x0001,
          0x0000,
          0xfc00,
          0x0002}));
}

TEST(FloatTypes, EveryHalfComesBack) {
  std::vector<uint16_t> halves(1 << 16);
  for (size_t i = 0; i < halves.size(); ++i) {
    halves[i] = static_cast<uint16_t>(i);
  }
  const auto floats =
      convert<float>(ScalarType::Half, halves, ScalarType::Float);
  const auto again =
      convert<uint16_t>(ScalarType::Float, floats, ScalarType::Half);
  for (size_t i = 0; i < halves.size(); ++i) {
    if (std::isnan(floats[i])) {
      EXPECT_EQ(again[i] & 0x7e00, 0x7e00) << i;
    } else {
      EXPECT_EQ(again[i], halves[i]) << i;
    }
  }
}

TEST(FloatTypes, ReadsDoublesAndBfloat16) {
  EXPECT_EQ(
      (convert<float>(
          ScalarType::Double,
          std::vector<double>{1.5, 1e300},
          ScalarType::Float)),
      (std::vector<float>{1.5F, INFINITY}));
  EXPECT_EQ(
      (convert<float>(
          ScalarType::BFloat16,
          std::vector<uint16_t>{0x3fc0},
          ScalarType::Float)),
      (std::vector<float>{1.5F}));
  const auto nan = convert<uint16_t>(
      ScalarType::Float, std::vector<float>{NAN}, ScalarType::BFloat16);
  EXPECT_EQ(nan.front() & 0x7fc0, 0x7fc0);
}

}  // namespace
}  // namespace pp::test
