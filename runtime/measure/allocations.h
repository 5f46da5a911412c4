#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <c10/core/Device.h>
#include <c10/util/ThreadLocalDebugInfo.h>

namespace pp {

/// The bytes of tensors that are alive, by owner: who allocated
/// them. Whichever thread frees them, they count until then. Thread safe.
/// Mapped memory is nobody's.
class AllocationLedger {
 public:
  explicit AllocationLedger(int num_owners = 1);

  int64_t live(int owner = 0) const;
  /// The most since the start, or since the last reset_peak().
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

/// While it lives, what this thread allocates on devices of that type is booked
/// to `owner`, and what it frees is taken off its owner. Threads without a
/// watch are not seen: let one watch on every thread that frees what another
/// allocated.
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
