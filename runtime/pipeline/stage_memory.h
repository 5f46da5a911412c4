#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include <c10/core/Device.h>

#include "runtime/measure/allocations.h"
#include "runtime/stage/stage.h"

namespace pp {

/// Counts how much of its device's memory each stage of a rank holds, from what
/// the device's allocator reports for each block. Belongs to the thread that
/// makes it, and sees what that thread frees.
class StageMemory {
 public:
  /// stages  with their states already on the device
  StageMemory(const std::map<int, Stage>& stages, c10::Device device);

  /// Counts what this thread allocates from now on for that stage.
  void begin(int stage);
  /// Stops counting allocations of this thread for a stage.
  void end();

  /// Bytes that the stage holds now.
  int64_t live(int stage) const { return ledger_->live(owners_.at(stage)); }
  /// The most bytes that each stage has held, by stage.
  std::map<int, int64_t> peaks() const;

 private:
  c10::Device device_;
  std::map<int, int> owners_;  ///< by stage
  std::shared_ptr<AllocationLedger> ledger_;
  AllocationWatch unassigned_;  ///< counts for nobody
  std::optional<AllocationWatch> of_stage_;
};

}  // namespace pp
