#include "runtime/program/keyed_random.h"

#include <set>

#include <gtest/gtest.h>

#include <ATen/ATen.h>

namespace pp {
namespace {

TEST(KeyedRandom, EveryPartOfTheKeyChangesTheSeed) {
  const std::set<uint64_t> seeds = {
      node_seed({0, 0, 0}, "dropout", 0),
      node_seed({1, 0, 0}, "dropout", 0),
      node_seed({0, 1, 0}, "dropout", 0),
      node_seed({0, 0, 1}, "dropout", 0),
      node_seed({0, 0, 0}, "dropout_1", 0),
      node_seed({0, 0, 0}, "dropout", 1),
  };
  EXPECT_EQ(seeds.size(), 6);
}

TEST(KeyedRandom, TheSameKeyGivesTheSameMask) {
  const at::Tensor a = keep_mask({3, 5}, 0.5, 2, at::kFloat, 42);
  EXPECT_TRUE(a.equal(keep_mask({3, 5}, 0.5, 2, at::kFloat, 42)));
  EXPECT_FALSE(a.equal(keep_mask({3, 5}, 0.5, 2, at::kFloat, 43)));
}

TEST(KeyedRandom, AnElementDoesNotDependOnTheSizeOfTheMask) {
  const at::Tensor big = keep_mask({1001}, 0.3, 1, at::kBool, 7);
  const at::Tensor small = keep_mask({10}, 0.3, 1, at::kBool, 7);
  EXPECT_TRUE(big.slice(0, 0, 10).equal(small));
}

// Known answers of Philox4x32-10 for counter 0 and key 0, from the authors'
// test vectors: 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
TEST(KeyedRandom, DrawsWhatPhiloxDraws) {
  const auto kept = [](double p) {
    return keep_mask({4}, p, 1, at::kFloat, 0);
  };
  const double first = 0x6627e8d5p0 / 4294967296.0;
  EXPECT_EQ(kept(first - 1e-9)[0].item<float>(), 1);
  EXPECT_EQ(kept(first + 1e-9)[0].item<float>(), 0);
  const double fourth = 0x9b00dbd8p0 / 4294967296.0;
  EXPECT_EQ(kept(fourth - 1e-9)[3].item<float>(), 1);
  EXPECT_EQ(kept(fourth + 1e-9)[3].item<float>(), 0);
}

TEST(KeyedRandom, KeepsTheRightFraction) {
  constexpr int64_t kCount = 1 << 20;
  for (const double p : {0.1, 0.5, 0.9}) {
    const double mean = keep_mask({kCount}, p, 1, at::kFloat, 3)
                            .mean()
                            .to(at::kDouble)
                            .item<double>();
    const double sigma = std::sqrt(p * (1 - p) / kCount);
    EXPECT_NEAR(mean, 1 - p, 5 * sigma) << p;
  }
  EXPECT_EQ(keep_mask({64}, 0, 1, at::kFloat, 3).sum().item<float>(), 64);
  EXPECT_EQ(keep_mask({64}, 1, 1, at::kFloat, 3).sum().item<float>(), 0);
}

TEST(KeyedRandom, NeighboursAreNotCorrelated) {
  const at::Tensor mask = keep_mask({1 << 20}, 0.5, 1, at::kFloat, 11).sub(0.5);
  const at::Tensor products = mask.slice(0, 0, -1).mul(mask.slice(0, 1));
  EXPECT_NEAR(products.mean().item<float>(), 0, 0.25 * 5 / 1024);
}

}  // namespace
}  // namespace pp
