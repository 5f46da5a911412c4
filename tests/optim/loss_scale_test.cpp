#include "runtime/optim/loss_scale.h"

#include <gtest/gtest.h>

#include "loader/core/error.h"

namespace pp {
namespace {

TEST(LossScale, BeginsAsTorchDoes) {
  EXPECT_EQ(LossScale().scale(), 65536);
}

TEST(LossScale, IsHalvedByAnOverflow) {
  LossScale scale;
  scale.update(true);
  EXPECT_EQ(scale.scale(), 32768);
  scale.update(false);
  EXPECT_EQ(scale.scale(), 32768);
}

TEST(LossScale, IsDoubledAfter2000GoodSteps) {
  LossScale scale;
  for (int i = 0; i < 1999; ++i) {
    scale.update(false);
  }
  EXPECT_EQ(scale.scale(), 65536);
  scale.update(false);
  EXPECT_EQ(scale.scale(), 131072);
}

TEST(LossScale, AnOverflowStartsTheCountAgain) {
  LossScale scale;
  for (int i = 0; i < 1999; ++i) {
    scale.update(false);
  }
  scale.update(true);
  scale.update(false);
  EXPECT_EQ(scale.scale(), 32768);
}

TEST(LossScale, StaysAFloat) {
  LossScale scale;
  for (int i = 0; i < 2000 * 300; ++i) {
    scale.update(false);
  }
  EXPECT_EQ(static_cast<float>(scale.scale()), 0x1p127F);
}

TEST(LossScale, GoesOnFromItsText) {
  LossScale scale;
  scale.update(true);
  scale.update(false);
  EXPECT_EQ(scale.text(), "32768 1");
  EXPECT_EQ(LossScale::parse(scale.text()).text(), scale.text());
  for (const char* bad : {"", "1", "0 1", "-2 1", "nan 1", "1 -1", "1 2 3"}) {
    EXPECT_THROW(LossScale::parse(bad), Error) << bad;
  }
}

TEST(LossScale, OfAnyNumberOfOverflowsCanBeSaved) {
  LossScale scale;
  for (int i = 0; i < 3000; ++i) {
    scale.update(true);
  }
  EXPECT_GT(scale.scale(), 0);
  EXPECT_EQ(LossScale::parse(scale.text()).scale(), scale.scale());
}

}  // namespace
}  // namespace pp
