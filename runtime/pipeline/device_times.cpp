#include "runtime/pipeline/device_times.h"

#include <utility>

#include "runtime/observe/trace.h"

namespace pp {

c10::Event DeviceTimes::now() const {
  // Events with the flag PYTORCH_DEFAULT don't record their time.
  c10::Event event(device_.device().type(), c10::EventFlag::BACKEND_DEFAULT);
  event.record(device_.compute());
  return event;
}

void DeviceTimes::begin_step() {
  pairs_.clear();
  start_.clear();
  origin_ns_ = trace_clock_ns();
  start_.push_back(now());
}

void DeviceTimes::begin(const Action& action) {
  device_.plugin().begin_range(to_string(action).c_str());
  pairs_.push_back({action, now(), c10::Event(device_.device().type())});
}

void DeviceTimes::end() {
  pairs_.back().end = now();
  device_.plugin().end_range();
}

std::vector<DeviceTimes::Span> DeviceTimes::finish() {
  constexpr double kMillisecond = 1e-3;
  std::vector<Span> spans;
  if (!pairs_.empty()) {
    pairs_.back().end.synchronize();
  }
  for (const Pair& pair : pairs_) {
    spans.push_back(
        {pair.action,
         start_.front().elapsedTime(pair.begin) * kMillisecond,
         start_.front().elapsedTime(pair.end) * kMillisecond});
  }
  pairs_.clear();
  return spans;
}

}  // namespace pp
