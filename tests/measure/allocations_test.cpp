#include "runtime/measure/allocations.h"

#include <thread>

#include <gtest/gtest.h>

#include <ATen/ops/empty.h>

namespace pp {
namespace {

constexpr int64_t kKiB = 1024;

at::Tensor kibibytes(int64_t count) {
  return at::empty({count * kKiB}, at::kByte);
}

TEST(AllocationLedger, CountsLiveAndPeakBytes) {
  const auto ledger = std::make_shared<AllocationLedger>();
  const at::Tensor before = kibibytes(100);
  at::Tensor kept;
  {
    const AllocationWatch watch(ledger);
    kept = kibibytes(3);
    const at::Tensor view = kept.slice(0, 0, 10);
    { const at::Tensor short_lived = kibibytes(5); }
    EXPECT_EQ(ledger->live(), 3 * kKiB);
    EXPECT_EQ(ledger->peak(), 8 * kKiB);
    ledger->reset_peak();
    EXPECT_EQ(ledger->peak(), 3 * kKiB);
  }
  const at::Tensor after = kibibytes(100);
  EXPECT_EQ(ledger->live(), 3 * kKiB);
}

TEST(AllocationLedger, SubtractsAFreeFromTheOwnerThatAllocated) {
  const auto ledger = std::make_shared<AllocationLedger>(2);
  const AllocationWatch watch(ledger, 0);
  at::Tensor handed_over = kibibytes(7);
  std::thread([&] {
    const AllocationWatch other(ledger, 1);
    const at::Tensor own = kibibytes(2);
    handed_over.reset();
    EXPECT_EQ(ledger->live(1), 2 * kKiB);
  }).join();
  EXPECT_EQ(ledger->live(0), 0);
  EXPECT_EQ(ledger->live(1), 0);
  EXPECT_EQ(ledger->peak(0), 7 * kKiB);
}

}  // namespace
}  // namespace pp
