#include "runtime/device/placement.h"

#include <gtest/gtest.h>

#include "loader/core/error.h"

namespace pp {
namespace {

TEST(Placement, RanksGoRoundOverDevices) {
  const DeviceChoice any = parse_device("cuda");
  EXPECT_FALSE(any.is_cpu);
  EXPECT_EQ(device_of_rank(any, 0, 2), 0);
  EXPECT_EQ(device_of_rank(any, 1, 2), 1);
  EXPECT_EQ(device_of_rank(any, 2, 2), 0);
  EXPECT_EQ(device_of_rank(any, 3, 1), 0);
}

TEST(Placement, ANumberIsForAllRanks) {
  const DeviceChoice one = parse_device("cuda:1");
  EXPECT_EQ(device_of_rank(one, 0, 2), 1);
  EXPECT_EQ(device_of_rank(one, 1, 2), 1);
  try {
    device_of_rank(one, 0, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    EXPECT_STREQ(
        error.what(),
        "pipeline.device is \"cuda:1\", but this host has 1 GPU, cuda:0");
  }
}

TEST(Placement, ParsesTheCpu) {
  EXPECT_TRUE(parse_device("cpu").is_cpu);
}

TEST(Placement, SaysWhichRanksShareADevice) {
  EXPECT_EQ(sharing_text({"a", "b"}), "");
  EXPECT_EQ(
      sharing_text({"a", "b", "a", "a"}),
      "ranks 0, 2, 3 share a: they take turns on it and share its memory");
}

}  // namespace
}  // namespace pp
