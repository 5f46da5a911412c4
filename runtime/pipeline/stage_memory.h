#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include <c10/core/Device.h>

#include "runtime/measure/allocations.h"
#include "runtime/stage/stage.h"

namespace pp {

/// Counts how much device memory each stage of a rank holds, from what the
/// device's allocator reports for each block. The object belongs to the thread
/// that makes it, and notices only what that thread frees.
class StageMemory {
 public:
  /// stages  the rank's stages, whose states must already be on the device
  StageMemory(const std::map<int, Stage>& stages, c10::Device device);

  /// Counts what this thread allocates from now on as memory of `stage`.
  void begin(int stage);
  /// Stops counting this thread's allocations for a stage.
  void end();

  /// Returns the bytes that the stage holds now.
  int64_t live(int stage) const { return ledger_->live(owners_.at(stage)); }
  /// Returns the peak of live() of each stage, in bytes, by stage.
  std::map<int, int64_t> peaks() const;

 private:
  c10::Device device_;
  std::map<int, int> owners_;  ///< owner number of each stage in the ledger
  std::shared_ptr<AllocationLedger> ledger_;
  /// Counts allocations outside of begin() and end().
  AllocationWatch unassigned_;
  std::optional<AllocationWatch> of_stage_;
};

}  // namespace pp
