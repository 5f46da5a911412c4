#include "runtime/pipeline/device_watch.h"

#include <algorithm>

#include "loader/core/text.h"

namespace pp {

DeviceWatch::DeviceWatch(RankDevice& device, const std::map<int, Stage>& stages)
    : device_(device), times_(device), memory_(stages, device.device()) {}

void DeviceWatch::begin_step() {
  bytes_.clear();
  times_.begin_step();
}

void DeviceWatch::begin(const Action& action) {
  times_.begin(action);
  memory_.begin(action.stage);
}

void DeviceWatch::end(const Action& action) {
  memory_.end();
  times_.end();
  bytes_.push_back(memory_.live(action.stage));
}

StepTimes DeviceWatch::finish(RunTrace& trace) {
  StepTimes times;
  size_t next = 0;
  for (const DeviceTimes::Span& span : times_.finish()) {
    times.busy_s += span.end_s - span.begin_s;
    times.wall_s = std::max(times.wall_s, span.end_s);
    trace.on_device(span.action, times_.origin_ns(), span, bytes_.at(next++));
  }
  return times;
}

void DeviceWatch::report(const Log& log) const {
  for (const auto& [stage, num_bytes] : memory_.peaks()) {
    log.info(
        "stage " + std::to_string(stage) + ": peak memory on " +
        device_.device().str() + " was " +
        human_bytes(static_cast<uint64_t>(num_bytes)));
  }
}

}  // namespace pp
