#include "runtime/data/row_order.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace pp {
namespace {

std::vector<int64_t> epoch_of(const RowOrder& order, int64_t n, int64_t epoch) {
  std::vector<int64_t> rows;
  for (int64_t position = 0; position < n; ++position) {
    rows.push_back(order.row(epoch, position));
  }
  return rows;
}

std::vector<int64_t> in_order(int64_t n) {
  std::vector<int64_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TEST(RowOrder, UsesEveryRowOncePerEpoch) {
  for (const int64_t n : {1, 2, 3, 4, 5, 16, 17, 1000, 4096, 4097}) {
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      std::vector<int64_t> rows = epoch_of(RowOrder(n, true, 7), n, epoch);
      std::ranges::sort(rows);
      EXPECT_EQ(rows, in_order(n)) << n;
    }
  }
}

TEST(RowOrder, KeepsTheOrderWithoutShuffle) {
  EXPECT_EQ(epoch_of(RowOrder(9, false, 7), 9, 3), in_order(9));
}

TEST(RowOrder, DiffersByEpochAndSeed) {
  const RowOrder order(1000, true, 7);
  const RowOrder other(1000, true, 8);
  EXPECT_NE(epoch_of(order, 1000, 0), epoch_of(order, 1000, 1));
  EXPECT_NE(epoch_of(order, 1000, 0), epoch_of(other, 1000, 0));
  EXPECT_EQ(epoch_of(order, 1000, 5), epoch_of(order, 1000, 5));
}

// Chi-squared over seeds is far below what one bad position would give.
TEST(RowOrder, EveryRowIsEquallyLikelyAtEveryPosition) {
  constexpr int64_t kRows = 11;
  constexpr int kSeeds = 11000;
  for (int64_t position = 0; position < kRows; ++position) {
    std::vector<double> counts(kRows, 0);
    for (uint64_t seed = 0; seed < kSeeds; ++seed) {
      counts[RowOrder(kRows, true, seed).row(0, position)] += 1;
    }
    double chi_squared = 0;
    for (const double count : counts) {
      chi_squared += (count - 1000) * (count - 1000) / 1000;
    }
    EXPECT_LT(chi_squared, 40) << position;  // 10 degrees: p < 2e-5
  }
}

TEST(RowOrder, NeighboursDoNotStayNeighbours) {
  constexpr int64_t kRows = 5000;
  const std::vector<int64_t> rows =
      epoch_of(RowOrder(kRows, true, 1), kRows, 0);
  int64_t neighbours = 0;
  int64_t fixed = 0;
  for (int64_t i = 0; i + 1 < kRows; ++i) {
    neighbours += rows[i + 1] == rows[i] + 1 ? 1 : 0;
    fixed += rows[i] == i ? 1 : 0;
  }
  EXPECT_LT(neighbours, 10);  // one is expected
  EXPECT_LT(fixed, 10);       // one is expected
}

// A run that a later version resumes must continue in the same order.
TEST(RowOrder, NeverChanges) {
  EXPECT_EQ(
      epoch_of(RowOrder(10, true, 0), 10, 0),
      (std::vector<int64_t>{3, 4, 9, 7, 5, 6, 8, 1, 0, 2}));
}

}  // namespace
}  // namespace pp
