#pragma once

#include <vector>

#include "loader/core/log.h"
#include "runtime/executor/executor.h"
#include "runtime/run/device_times.h"
#include "runtime/run/run_trace.h"
#include "runtime/run/stage_memory.h"

namespace pp {

/// What a rank's device does in training: when it computed what, and what of
/// its memory each stage holds.
class DeviceWatch {
 public:
  DeviceWatch(RankDevice& device, const std::map<int, Stage>& stages);

  void begin_step();
  void begin(const Action& action);
  void end(const Action& action);
  /// What is allocated until end_update() is for the state of that stage's
  /// optimizer.
  void begin_update(int stage) { memory_.begin(stage); }
  void end_update() { memory_.end(); }

  /// Waits for the step's last action and adds all to the trace.
  StepTimes finish(RunTrace& trace);

  /// Says what each stage held at most (INFO).
  void report(const Log& log) const;

 private:
  RankDevice& device_;
  DeviceTimes times_;
  StageMemory memory_;
  std::vector<int64_t> bytes_;  ///< after each action of the step
};

}  // namespace pp
