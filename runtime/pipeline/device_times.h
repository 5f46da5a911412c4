#pragma once

#include <cstdint>
#include <vector>

#include <c10/core/Event.h>

#include "runtime/device/rank_device.h"
#include "runtime/schedule/action.h"

namespace pp {

/// Measures when a rank's device computes each action, by an event before and
/// one after the action, because the host only enqueues the work. Also shows
/// the actions in the device's profiler.
class DeviceTimes {
 public:
  explicit DeviceTimes(RankDevice& device) : device_(device) {}

  /// Begins a step. Its times are relative to the moment at which the device
  /// has completed all work enqueued so far.
  void begin_step();
  void begin(const Action& action);
  void end();

  struct Span {
    Action action;
    double begin_s = 0;  ///< seconds since begin_step()
    double end_s = 0;
  };
  /// Waits until the device has completed the step's last action. Returns the
  /// spans of all actions of the step.
  std::vector<Span> finish();
  /// The time at which the host called begin_step(), from trace_clock_ns().
  int64_t origin_ns() const { return origin_ns_; }

 private:
  c10::Event now() const;

  struct Pair {
    Action action;
    c10::Event begin;
    c10::Event end;
  };
  RankDevice& device_;
  int64_t origin_ns_ = 0;
  std::vector<c10::Event> start_;  ///< one event, which begin_step() recorded
  std::vector<Pair> pairs_;
};

}  // namespace pp
