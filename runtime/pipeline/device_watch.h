#pragma once

#include <vector>

#include "loader/core/log.h"
#include "runtime/pipeline/device_times.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/run_trace.h"
#include "runtime/pipeline/stage_memory.h"

namespace pp {

/// Watches a rank's device in training: when it computes each action, and how
/// much of its memory each stage holds.
class DeviceWatch {
 public:
  DeviceWatch(RankDevice& device, const std::map<int, Stage>& stages);

  void begin_step();
  void begin(const Action& action);
  void end(const Action& action);
  /// Counts the memory allocated until end_update() as state of the stage's
  /// optimizer.
  void begin_update(int stage) { memory_.begin(stage); }
  void end_update() { memory_.end(); }

  /// Waits until the device has completed the step's last action, adds all
  /// actions to the trace, and returns the step's times.
  StepTimes finish(RunTrace& trace);

  /// Logs the peak memory of each stage.
  void report(const Log& log) const;

 private:
  RankDevice& device_;
  DeviceTimes times_;
  StageMemory memory_;
  /// For each action of the step, the memory that its stage held afterwards.
  std::vector<int64_t> bytes_;
};

}  // namespace pp
