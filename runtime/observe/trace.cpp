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
constexpr int kDeviceTracks = 1'000'000;  // below the ranks' own

/// Names of the palette that trace viewers know.
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

}  // namespace

int64_t trace_clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// One name for a message on both of its ends. A step may pass several times
/// (accumulation, evaluation): both ends count them alike.
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
  span.begin_ns = trace_clock_ns();
  span.end_ns = span.begin_ns;
  span.arrow_ns = span.begin_ns;
  open_.push_back(spans_.size());
  spans_.push_back(std::move(span));
}

void TraceRecorder::begin(std::string name) {
  if (!is_full()) {
    push({.name = std::move(name)});
  }
}

void TraceRecorder::end() {
  if (open_.empty()) {
    return;
  }
  const int64_t now = trace_clock_ns();
  spans_[open_.back()].end_ns = now;
  open_.pop_back();
  if (!open_.empty() && !spans_[open_.back()].arrow_begins) {
    spans_[open_.back()].arrow_ns = now;  // it waited for its message
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
  if (is_full()) {
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
  in_action_ = true;
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
  span.begin_ns = begin_ns;
  span.end_ns = end_ns;
  span.on_device = true;
  has_device_ = true;
  spans_.push_back(std::move(span));
}

void TraceRecorder::add_memory(int stage, int64_t at_ns, int64_t num_bytes) {
  if (memory_.size() < kMostSpans) {
    memory_.push_back({stage, at_ns, num_bytes});
  }
}

void TraceRecorder::end_actions() {
  if (in_action_) {
    end();
    in_action_ = false;
  }
}

std::string TraceRecorder::events(int64_t origin_ns) {
  while (!open_.empty()) {
    end();
  }
  const auto microseconds = [](int64_t ns) {
    return static_cast<double>(ns) / kNsPerMicrosecond;
  };
  const auto at = [&](int64_t ns) { return microseconds(ns - origin_ns); };
  const auto track = [](int id, const std::string& name) {
    return Json{
        {"name", "thread_name"},
        {"ph", "M"},
        {"pid", 0},
        {"tid", id},
        {"args", {{"name", name}}}}
        .dump();
  };
  const std::string rank = "rank " + std::to_string(rank_);
  const int device_track = kDeviceTracks + rank_;
  std::string out = track(rank_, rank);
  if (has_device_) {
    out += ",\n" + track(device_track, rank + ", device");
  }
  for (const Span& span : spans_) {
    Json event = {
        {"name", span.name},
        {"ph", "X"},
        {"pid", 0},
        {"tid", span.on_device ? device_track : rank_},
        {"ts", at(span.begin_ns)},
        {"dur", microseconds(span.end_ns - span.begin_ns)}};
    event["args"] = {{"step", span.step}};
    if (span.stage >= 0) {
      const std::string stage = std::to_string(span.stage);
      const size_t end = span.name.find_last_not_of("0123456789");
      event["cname"] =
          color_of(span.name.substr(stage.size(), end + 1 - stage.size()));
      event["args"]["stage"] = span.stage;
      event["args"]["microbatch"] = span.microbatch;
    }
    out += ",\n" + event.dump();
    if (!span.arrow.empty()) {
      Json arrow = {
          {"name", "message"},
          {"cat", "message"},
          {"ph", span.arrow_begins ? "s" : "f"},
          {"id", span.arrow},
          {"pid", 0},
          {"tid", rank_},
          {"ts", at(span.arrow_ns)}};
      if (!span.arrow_begins) {
        arrow["bp"] = "e";
      }
      out += ",\n" + arrow.dump();
    }
  }
  for (const auto& [stage, at_ns, num_bytes] : memory_) {
    const Json counter = {
        {"name",
         "stage " + std::to_string(stage) + ", memory (replica " +
             std::to_string(replica_) + ")"},
        {"ph", "C"},
        {"pid", 0},
        {"ts", at(at_ns)},
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
