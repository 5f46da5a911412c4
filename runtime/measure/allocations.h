#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <c10/core/Device.h>
#include <c10/util/ThreadLocalDebugInfo.h>

namespace pp {

/// Counts the bytes of tensors that are alive, by owner. A tensor's owner is
/// the one who allocated it, whichever thread frees it. Mapped memory isn't
/// counted. Thread safe.
class AllocationLedger {
 public:
  explicit AllocationLedger(int num_owners = 1);

  int64_t live(int owner = 0) const;
  /// Largest live() since the start, or since the last reset_peak().
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

/// While an object of this class exists, what this thread allocates on devices
/// of `type` is added to `owner`, and what it frees is subtracted from whoever
/// allocated it. Nothing is counted for a thread without a watch, so every
/// thread that frees memory of another needs one too.
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
