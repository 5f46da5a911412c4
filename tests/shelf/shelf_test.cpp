#include "runtime/memory/shelf.h"

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

/// Each test has a thread of its own, and with it an empty shelf.
template <typename Body>
void on_a_thread(const Body& body) {
  keep_freed_tensors();
  std::thread(body).join();
}

TEST(Shelf, TheNextTensorOfASizeClassTakesTheFreedMemory) {
  on_a_thread([] {
    at::Tensor first = bytes(5000);
    const void* where = first.data_ptr();
    first.reset();
    EXPECT_GE(bytes_on_shelf(), 5000);
    EXPECT_LE(bytes_on_shelf(), 6400);
    EXPECT_NE(bytes(9000).data_ptr(), where);
    EXPECT_EQ(bytes(4900).data_ptr(), where);
  });
}

TEST(Shelf, EverySizeIsAlignedAndAllItsBytesAreThere) {
  on_a_thread([] {
    std::vector<at::Tensor> all;
    for (const int round : {0, 1}) {
      for (size_t size = 1; size < 3 * kLargestOnShelf; size += size / 3 + 1) {
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

TEST(Shelf, LargeMemoryGoesBackToMalloc) {
  on_a_thread([] {
    bytes(kLargestOnShelf + 1);
    EXPECT_EQ(bytes_on_shelf(), 0);
  });
}

TEST(Shelf, HoldsNoMoreThanItsCapacity) {
  on_a_thread([] {
    std::vector<at::Tensor> all;
    for (size_t sum = 0; sum < 2 * kShelfCapacity; sum += kLargestOnShelf) {
      all.push_back(bytes(kLargestOnShelf));
    }
    all.clear();
    EXPECT_EQ(bytes_on_shelf(), kShelfCapacity);
  });
}

TEST(Shelf, WhatAnotherThreadFreesLiesOnItsShelf) {
  on_a_thread([] {
    at::Tensor tensor = bytes(5000);
    std::thread([&] {
      tensor.reset();
      EXPECT_GE(bytes_on_shelf(), 5000);
    }).join();
    EXPECT_EQ(bytes_on_shelf(), 0);
  });
}

TEST(Shelf, TensorsOutliveTheirThread) {
  at::Tensor tensor;
  on_a_thread([&] { tensor = bytes(5000).fill_(7); });
  EXPECT_TRUE(tensor.eq(7).all().item<bool>());
}

/// Counts what is allocated and freed, as whoever measures memory does.
class Ledger final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(
      void*, int64_t size, size_t, size_t, c10::Device) override {
    live += size;
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t live = 0;
};

TEST(Shelf, TellsTheProfilerOfEveryTensor) {
  on_a_thread([] {
    bytes(5000);  // on the shelf: also what comes from there counts
    const auto ledger = std::make_shared<Ledger>();
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, ledger);
    at::Tensor tensor = bytes(5000);
    const at::Tensor large = bytes(kLargestOnShelf * 2);
    EXPECT_EQ(ledger->live, 5000 + static_cast<int64_t>(kLargestOnShelf) * 2);
    tensor.reset();
    EXPECT_EQ(ledger->live, static_cast<int64_t>(kLargestOnShelf) * 2);
  });
}

}  // namespace
}  // namespace pp
