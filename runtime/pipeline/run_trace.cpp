#include "runtime/pipeline/run_trace.h"

#include <limits>
#include <string>
#include <vector>

#include "loader/archive/folders.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/from_rank.h"

namespace pp {

RunTrace::RunTrace(RankContext& context, int replica, bool wanted)
    : context_(context) {
  if (!wanted) {
    return;
  }
  recorder_.emplace(context.rank, replica);
  origin_ns_ = number_from_rank(
      broadcast_text(context, std::to_string(trace_clock_ns())),
      0,
      "the start time of the trace",
      0,
      std::numeric_limits<int64_t>::max());
  context.activity->observe([this](const ActivityEvent& event) {
    switch (event.what) {
      case ActivityEvent::What::ActionBegins:
        return recorder_->begin_action(
            event.stage, event.microbatch, event.kind);
      case ActivityEvent::What::ActionsEnd:
        return recorder_->end_actions();
      case ActivityEvent::What::WaitBegins:
        return recorder_->begin_wait(
            (event.sends ? "wait until received by rank " : "wait for rank ") +
            std::to_string(event.peer));
      case ActivityEvent::What::WaitEnds:
        return recorder_->end_wait();
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
    const std::filesystem::path& file) {
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
  make_output_folder(file.parent_path());
  write_trace(file, all);
  return file;
}

}  // namespace pp
