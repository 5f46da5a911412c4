#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include <c10/core/Device.h>

#include "runtime/measure/allocations.h"
#include "runtime/stage/stage.h"

namespace pp {

/// What the stages of a rank hold of its device's memory, by what the device's
/// allocator tells of each block. Belongs to the thread that makes it, and sees
/// what that thread frees.
class StageMemory {
 public:
  /// stages  with their states where they will be
  StageMemory(const std::map<int, Stage>& stages, c10::Device device);

  /// What this thread allocates from now on is that stage's,
  void begin(int stage);
  /// and from now on nobody's.
  void end();

  /// Bytes that are alive.
  int64_t live(int stage) const { return ledger_->live(owners_.at(stage)); }
  /// The most so far, by stage.
  std::map<int, int64_t> peaks() const;

 private:
  c10::Device device_;
  std::map<int, int> owners_;  ///< by stage
  std::shared_ptr<AllocationLedger> ledger_;
  AllocationWatch nobodys_;
  std::optional<AllocationWatch> of_a_stage_;
};

}  // namespace pp
