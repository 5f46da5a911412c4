#pragma once

#include <cstdint>
#include <vector>

#include <c10/core/Event.h>

#include "runtime/device/rank_device.h"
#include "runtime/schedule/action.h"

namespace pp {

/// When a rank's device computed what, by events around each action: the host
/// only hands it over. Names the actions for the device's profiler too.
class DeviceTimes {
 public:
  explicit DeviceTimes(RankDevice& device) : device_(device) {}

  /// Times count from when the device has done what is under way.
  void begin_step();
  void begin(const Action& action);
  void end();

  struct Span {
    Action action;
    double begin_s = 0;  ///< from begin_step()
    double end_s = 0;
  };
  /// The step's actions. Waits for the last.
  std::vector<Span> finish();
  /// When the host called begin_step(), by trace_clock_ns().
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
  std::vector<c10::Event> start_;  ///< one
  std::vector<Pair> pairs_;
};

}  // namespace pp
