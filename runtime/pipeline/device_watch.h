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
  /// Counts what is allocated until end_update() as state of that stage's
  /// optimizer.
  void begin_update(int stage) { memory_.begin(stage); }
  void end_update() { memory_.end(); }

  /// Waits for the step's last action and adds all of them to the trace.
  StepTimes finish(RunTrace& trace);

  /// Logs how much memory each stage held at most.
  void report(const Log& log) const;

 private:
  RankDevice& device_;
  DeviceTimes times_;
  StageMemory memory_;
  std::vector<int64_t> bytes_;  ///< after each action of the step
};

}  // namespace pp
