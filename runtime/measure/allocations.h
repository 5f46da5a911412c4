#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <c10/core/Device.h>
#include <c10/util/ThreadLocalDebugInfo.h>

namespace pp {

/// Counts the bytes of live tensors by owner. A tensor's owner is the one that
/// allocated it, whichever thread frees it. Mapped memory isn't counted. Thread
/// safe.
class AllocationLedger {
 public:
  explicit AllocationLedger(int num_owners = 1);

  int64_t live(int owner = 0) const;
  /// Returns the largest value of live() since the start, or since the last
  /// reset_peak().
  int64_t peak(int owner = 0) const;
  void reset_peak(int owner = 0);

  void allocated(int owner, const void* address, int64_t num_bytes);
  void freed(const void* address);

 private:
  struct Block {
    int owner = 0;
    int64_t num_bytes = 0;
  };
  struct Account {
    int64_t live = 0;
    int64_t peak = 0;
  };

  mutable std::mutex mutex_;
  std::unordered_map<const void*, Block> blocks_;
  std::vector<Account> accounts_;
};

/// While an object of this class exists, memory that this thread allocates on
/// devices of `type` is added to `owner`, and memory that it frees is
/// subtracted from the owner that allocated it. A thread without such an object
/// is not counted, so every thread that frees another's memory needs one too.
class AllocationWatch {
 public:
  explicit AllocationWatch(
      std::shared_ptr<AllocationLedger> ledger,
      int owner = 0,
      c10::DeviceType type = c10::DeviceType::CPU);

 private:
  c10::DebugInfoGuard guard_;
};

}  // namespace pp
