#include "runtime/observe/trace.h"

#include <chrono>
#include <fstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "loader/core/error.h"

namespace pp {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kNsPerMicrosecond = 1000;
// The threads of a rank's process.
constexpr int kHost = 0;
constexpr int kDevice = 1;
// A shorter slice before a wait is left out: it is the time of recording, and
// not work of the action.
constexpr int64_t kShortestSliceNs = 50'000;

/// Returns a colour by its name in the palette of trace viewers.
const char* color_of(std::string_view kind) {
  if (kind == "F") {
    return "good";
  }
  if (kind == "I") {
    return "bad";
  }
  if (kind == "W") {
    return "grey";
  }
  return kind == "B" ? "terrible" : "white";
}

double microseconds(int64_t ns) {
  return static_cast<double>(ns) / kNsPerMicrosecond;
}

/// An event that names a process or a thread, or says where to show it.
std::string metadata_event(
    const std::string& name, int process, int thread, const Json& args) {
  const Json event = {
      {"name", name},
      {"ph", "M"},
      {"pid", process},
      {"tid", thread},
      {"args", args}};
  return event.dump();
}

}  // namespace

int64_t trace_clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Names a message alike on both of its ends. A step may run the schedule
/// several times (accumulation, evaluation); both ends count the passes.
std::string TraceRecorder::arrow_name(
    int receiver, int microbatch, bool forward, bool begins) {
  const std::string name = std::to_string(replica_) + ":" +
                           std::to_string(step_) + (forward ? "F" : "B") +
                           std::to_string(receiver) + "." +
                           std::to_string(microbatch);
  const int count = num_arrows_[(begins ? "s" : "f") + name]++;
  return count == 0 ? name : name + "#" + std::to_string(count);
}

void TraceRecorder::push(Span span) {
  span.step = step_;
  span.time.begin_ns = trace_clock_ns();
  open_.push_back(spans_.size());
  spans_.push_back(std::move(span));
}

void TraceRecorder::begin(std::string name) {
  if (is_full()) {
    open_.push_back(kMaxSpans);
    return;
  }
  push({.name = std::move(name)});
}

void TraceRecorder::end() {
  if (open_.empty()) {
    return;
  }
  end_wait();
  if (open_.back() < kMaxSpans) {
    spans_[open_.back()].time.end_ns = trace_clock_ns();
  }
  open_.pop_back();
}

void TraceRecorder::begin_wait(std::string name) {
  // One reading of the clock, so that nothing lies between two waits.
  const int64_t now_ns = trace_clock_ns();
  end_wait_at(now_ns);
  wait_ = Span{.name = std::move(name), .step = step_};
  wait_->time.begin_ns = now_ns;
}

void TraceRecorder::end_wait() {
  end_wait_at(trace_clock_ns());
}

void TraceRecorder::end_wait_at(int64_t now_ns) {
  if (!wait_) {
    return;
  }
  wait_->time.end_ns = now_ns;
  for (const size_t span : open_) {
    if (span < kMaxSpans) {
      spans_[span].waits.push_back(wait_->time);
    }
  }
  if (!is_full()) {
    spans_.push_back(std::move(*wait_));
  }
  wait_.reset();
}

void TraceRecorder::set_step(int64_t step) {
  step_ = step;
  if (steps_.size() < kMaxSpans) {
    steps_.push_back({step, trace_clock_ns()});
  }
}

TraceRecorder::Span TraceRecorder::span_of(
    int stage, int microbatch, std::string_view kind) {
  return {
      .name = std::to_string(stage) + std::string(kind) +
              (microbatch >= 0 ? std::to_string(microbatch) : ""),
      .stage = stage,
      .microbatch = microbatch};
}

void TraceRecorder::begin_action(
    int stage, int microbatch, std::string_view kind) {
  end_actions();
  in_action_ = true;
  if (is_full()) {
    open_.push_back(kMaxSpans);
    return;
  }
  Span span = span_of(stage, microbatch, kind);
  const bool forward = kind.ends_with("F");
  if (kind == "SEND_F" || kind == "SEND_B") {
    span.arrow =
        arrow_name(stage + (forward ? 1 : -1), microbatch, forward, true);
    span.arrow_begins = true;
  } else if (kind == "RECV_F" || kind == "RECV_B") {
    received_.insert({stage, microbatch, forward});
  } else if (
      (forward || kind == "B" || kind == "I" || kind == "W") &&
      received_.erase({stage, microbatch, forward}) > 0) {
    span.arrow = arrow_name(stage, microbatch, forward, false);
  }
  push(std::move(span));
}

void TraceRecorder::add_device_action(
    int stage,
    int microbatch,
    std::string_view kind,
    int64_t begin_ns,
    int64_t end_ns) {
  if (is_full()) {
    return;
  }
  Span span = span_of(stage, microbatch, kind);
  span.step = step_;
  span.time = {begin_ns, end_ns};
  span.on_device = true;
  has_device_ = true;
  spans_.push_back(std::move(span));
}

void TraceRecorder::add_memory(int stage, int64_t at_ns, int64_t num_bytes) {
  if (memory_.size() < kMaxSpans) {
    memory_.push_back({stage, at_ns, num_bytes});
  }
}

void TraceRecorder::end_actions() {
  if (in_action_) {
    end();
    in_action_ = false;
  }
}

/// Returns the parts of a span that lie between its waits. The last one is
/// there even if it is short, so no span is lost.
std::vector<TraceRecorder::Interval> TraceRecorder::slices_of(
    const Span& span) {
  std::vector<Interval> slices;
  int64_t begin_ns = span.time.begin_ns;
  for (const Interval& wait : span.waits) {
    if (wait.begin_ns - begin_ns >= kShortestSliceNs) {
      slices.push_back({begin_ns, wait.begin_ns});
    }
    begin_ns = wait.end_ns;
  }
  slices.push_back({begin_ns, span.time.end_ns});
  return slices;
}

/// Returns the events of a span, and that of its arrow if it has one.
std::string TraceRecorder::span_events(
    const Span& span, int64_t origin_ns) const {
  const std::vector<Interval> slices = slices_of(span);
  std::string out;
  for (size_t i = 0; i < slices.size(); ++i) {
    const Interval& time = slices[i];
    Json event = {
        {"name", span.name},
        {"ph", "X"},
        {"pid", rank_},
        {"tid", span.on_device ? kDevice : kHost},
        {"ts", microseconds(time.begin_ns - origin_ns)},
        {"dur", microseconds(time.end_ns - time.begin_ns)}};
    event["args"] = {{"step", span.step}};
    if (span.stage >= 0) {
      const std::string stage = std::to_string(span.stage);
      const size_t end = span.name.find_last_not_of("0123456789");
      event["cname"] =
          color_of(span.name.substr(stage.size(), end + 1 - stage.size()));
      event["args"]["stage"] = span.stage;
      event["args"]["microbatch"] = span.microbatch;
    }
    if (i > 0) {
      event["args"]["continued"] = true;
    }
    out += (i == 0 ? "" : ",\n") + event.dump();
  }
  if (span.arrow.empty()) {
    return out;
  }
  // An arrow begins where the send begins, and ends after the waits of the
  // action that uses the message.
  const Interval& at = span.arrow_begins ? slices.front() : slices.back();
  Json arrow = {
      {"name", "message"},
      {"cat", "message"},
      {"ph", span.arrow_begins ? "s" : "f"},
      {"id", span.arrow},
      {"pid", rank_},
      {"tid", kHost},
      {"ts", microseconds(at.begin_ns - origin_ns)}};
  if (!span.arrow_begins) {
    arrow["bp"] = "e";
  }
  return out + ",\n" + arrow.dump();
}

std::string TraceRecorder::events(int64_t origin_ns) {
  while (!open_.empty()) {
    end();
  }
  std::string out =
      metadata_event(
          "process_name",
          rank_,
          kHost,
          {{"name", "rank " + std::to_string(rank_)}}) +
      ",\n" +
      metadata_event(
          "process_sort_index", rank_, kHost, {{"sort_index", rank_}}) +
      ",\n" + metadata_event("thread_name", rank_, kHost, {{"name", "host"}});
  if (has_device_) {
    out += ",\n" +
           metadata_event("thread_name", rank_, kDevice, {{"name", "device"}});
  }
  for (const auto& [step, at_ns] : steps_) {
    const Json mark = {
        {"name", "step " + std::to_string(step)},
        {"cat", "step"},
        {"ph", "i"},
        {"s", "p"},
        {"pid", rank_},
        {"tid", kHost},
        {"ts", microseconds(at_ns - origin_ns)}};
    out += ",\n" + mark.dump();
  }
  for (const Span& span : spans_) {
    out += ",\n" + span_events(span, origin_ns);
  }
  for (const auto& [stage, at_ns, num_bytes] : memory_) {
    const Json counter = {
        {"name",
         "stage " + std::to_string(stage) + ", memory (replica " +
             std::to_string(replica_) + ")"},
        {"ph", "C"},
        {"pid", rank_},
        {"ts", microseconds(at_ns - origin_ns)},
        {"args", {{"bytes", num_bytes}}}};
    out += ",\n" + counter.dump();
  }
  return out;
}

void write_trace(
    const std::filesystem::path& path, const std::vector<std::string>& events) {
  std::ofstream file(path, std::ios::trunc);
  file << "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n";
  for (size_t i = 0; i < events.size(); ++i) {
    file << (i == 0 ? "" : ",\n") << events[i];
  }
  file << "\n]}\n";
  file.close();
  if (!file) {
    throw runtime_error(path.string() + ": cannot write the trace");
  }
}

}  // namespace pp
