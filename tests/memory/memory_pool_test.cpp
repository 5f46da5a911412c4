#include "runtime/memory/memory_pool.h"

#include <cstdint>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>

namespace pp {
namespace {

at::Tensor bytes(size_t size) {
  return at::empty({static_cast<int64_t>(size)}, at::kByte);
}

/// Runs a test on a new thread, whose pool is empty.
template <typename Body>
void on_a_thread(const Body& body) {
  keep_freed_tensors();
  std::thread(body).join();
}

TEST(MemoryPool, ReusesFreedMemoryForTheNextTensorOfTheSizeClass) {
  on_a_thread([] {
    at::Tensor first = bytes(5000);
    const void* where = first.data_ptr();
    first.reset();
    EXPECT_GE(pooled_bytes(), 5000);
    EXPECT_LE(pooled_bytes(), 6400);
    EXPECT_NE(bytes(9000).data_ptr(), where);
    EXPECT_EQ(bytes(4900).data_ptr(), where);
  });
}

TEST(MemoryPool, EverySizeIsAlignedAndComplete) {
  on_a_thread([] {
    std::vector<at::Tensor> all;
    for (const int round : {0, 1}) {
      for (size_t size = 1; size < 3 * kLargestPooled; size += size / 3 + 1) {
        all.push_back(bytes(size).fill_(round + 1));
        EXPECT_EQ(reinterpret_cast<uintptr_t>(all.back().data_ptr()) % 64, 0);
      }
      for (const at::Tensor& tensor : all) {
        EXPECT_TRUE(tensor.eq(round + 1).all().item<bool>());
      }
      all.clear();
    }
  });
}

TEST(MemoryPool, LargeMemoryGoesBackToMalloc) {
  on_a_thread([] {
    bytes(kLargestPooled + 1);
    EXPECT_EQ(pooled_bytes(), 0);
  });
}

TEST(MemoryPool, HoldsNoMoreThanItsCapacity) {
  on_a_thread([] {
    std::vector<at::Tensor> all;
    for (size_t sum = 0; sum < 2 * kPoolCapacity; sum += kLargestPooled) {
      all.push_back(bytes(kLargestPooled));
    }
    all.clear();
    EXPECT_EQ(pooled_bytes(), kPoolCapacity);
  });
}

TEST(MemoryPool, MemoryGoesToThePoolOfTheThreadThatFreesIt) {
  on_a_thread([] {
    at::Tensor tensor = bytes(5000);
    std::thread([&] {
      tensor.reset();
      EXPECT_GE(pooled_bytes(), 5000);
    }).join();
    EXPECT_EQ(pooled_bytes(), 0);
  });
}

TEST(MemoryPool, TensorsOutliveTheirThread) {
  at::Tensor tensor;
  on_a_thread([&] { tensor = bytes(5000).fill_(7); });
  EXPECT_TRUE(tensor.eq(7).all().item<bool>());
}

/// Counts allocated bytes as a memory profiler does.
class Ledger final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(
      void*, int64_t size, size_t, size_t, c10::Device) override {
    live += size;
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t live = 0;
};

TEST(MemoryPool, ReportsEveryTensorToTheProfiler) {
  on_a_thread([] {
    bytes(5000);  // memory that comes from the pool is reported too
    const auto ledger = std::make_shared<Ledger>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, ledger);
    at::Tensor tensor = bytes(5000);
    const at::Tensor large = bytes(kLargestPooled * 2);
    EXPECT_EQ(ledger->live, 5000 + static_cast<int64_t>(kLargestPooled) * 2);
    tensor.reset();
    EXPECT_EQ(ledger->live, static_cast<int64_t>(kLargestPooled) * 2);
  });
}

}  // namespace
}  // namespace pp
