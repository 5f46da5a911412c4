#include "runtime/measure/allocations.h"

#include <algorithm>
#include <utility>

#include <c10/core/Allocator.h>

namespace pp {

namespace {

/// Passes on what LibTorch reports to the thread's profiler.
class Reporter final : public c10::MemoryReportingInfoBase {
 public:
  Reporter(
      std::shared_ptr<AllocationLedger> ledger, int owner, c10::DeviceType type)
      : ledger_(std::move(ledger)), owner_(owner), type_(type) {}

  void reportMemoryUsage(
      void* address,
      int64_t num_bytes,
      size_t /*total_allocated*/,
      size_t /*total_reserved*/,
      c10::Device device) override {
    if (device.type() != type_) {
      return;
    }
    if (num_bytes >= 0) {
      ledger_->allocated(owner_, address, num_bytes);
    } else {
      ledger_->freed(address);
    }
  }

  bool memoryProfilingEnabled() const override { return true; }

 private:
  std::shared_ptr<AllocationLedger> ledger_;
  int owner_;
  c10::DeviceType type_;
};

}  // namespace

AllocationLedger::AllocationLedger(int num_owners)
    : accounts_(static_cast<size_t>(num_owners)) {}

int64_t AllocationLedger::live(int owner) const {
  const std::lock_guard lock(mutex_);
  return accounts_.at(owner).live;
}

int64_t AllocationLedger::peak(int owner) const {
  const std::lock_guard lock(mutex_);
  return accounts_.at(owner).peak;
}

void AllocationLedger::reset_peak(int owner) {
  const std::lock_guard lock(mutex_);
  Account& account = accounts_.at(owner);
  account.peak = account.live;
}

void AllocationLedger::allocated(
    int owner, const void* address, int64_t num_bytes) {
  const std::lock_guard lock(mutex_);
  Block& block = blocks_[address];
  // If the address is known, a thread without a watch freed its old block.
  accounts_[block.owner].live -= block.num_bytes;
  block = {owner, num_bytes};
  Account& account = accounts_.at(owner);
  account.live += num_bytes;
  account.peak = std::max(account.peak, account.live);
}

void AllocationLedger::freed(const void* address) {
  const std::lock_guard lock(mutex_);
  const auto block = blocks_.find(address);
  if (block == blocks_.end()) {
    return;  // it was allocated before the watch began
  }
  accounts_[block->second.owner].live -= block->second.num_bytes;
  blocks_.erase(block);
}

AllocationWatch::AllocationWatch(
    std::shared_ptr<AllocationLedger> ledger, int owner, c10::DeviceType type)
    : guard_(
          c10::DebugInfoKind::PROFILER_STATE,
          std::make_shared<Reporter>(std::move(ledger), owner, type)) {}

}  // namespace pp
