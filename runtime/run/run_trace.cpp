#include "runtime/run/run_trace.h"

#include <string>
#include <vector>

#include "runtime/launch/collectives.h"
#include "runtime/run/output_folder.h"

namespace pp {

RunTrace::RunTrace(RankContext& context, int replica, bool wanted)
    : context_(context) {
  if (!wanted) {
    return;
  }
  recorder_.emplace(context.rank, replica);
  origin_ns_ =
      std::stoll(broadcast_text(context, std::to_string(trace_clock_ns())));
  context.activity->observe([this](const ActivityEvent& event) {
    switch (event.what) {
      case ActivityEvent::What::ActionBegins:
        return recorder_->begin_action(
            event.stage, event.microbatch, event.kind);
      case ActivityEvent::What::ActionsEnd:
        return recorder_->end_actions();
      case ActivityEvent::What::WaitBegins:
        return recorder_->begin(
            (event.sends ? "until taken by rank " : "wait for rank ") +
            std::to_string(event.peer));
      case ActivityEvent::What::WaitEnds:
        return recorder_->end();
    }
  });
}

RunTrace::~RunTrace() {
  if (recorder_) {
    context_.activity->observe(nullptr);
  }
}

void RunTrace::begin_step(int64_t step) {
  if (recorder_) {
    recorder_->set_step(step);
  }
}

void RunTrace::on_device(
    const Action& action,
    int64_t origin_ns,
    const DeviceTimes::Span& span,
    int64_t num_bytes) {
  constexpr double kNsPerSecond = 1e9;
  const auto at = [&](double seconds) {
    return origin_ns + static_cast<int64_t>(seconds * kNsPerSecond);
  };
  if (recorder_) {
    recorder_->add_device_action(
        action.stage,
        action.microbatch,
        kind_name(action.kind),
        at(span.begin_s),
        at(span.end_s));
    recorder_->add_memory(action.stage, at(span.end_s), num_bytes);
  }
}

void RunTrace::begin(const char* name) {
  if (recorder_) {
    recorder_->begin(name);
  }
}

void RunTrace::end() {
  if (recorder_) {
    recorder_->end();
  }
}

std::optional<std::filesystem::path> RunTrace::finish(
    const std::filesystem::path& folder) {
  if (!recorder_) {
    return std::nullopt;
  }
  context_.activity->observe(nullptr);
  const std::string mine = recorder_->events(origin_ns_);
  recorder_.reset();
  const std::vector<std::string> all = gather_text(context_, mine);
  if (context_.rank != 0) {
    return std::nullopt;
  }
  make_output_folder(folder);
  const std::filesystem::path path = folder / "trace.json";
  write_trace(path, all);
  return path;
}

}  // namespace pp
