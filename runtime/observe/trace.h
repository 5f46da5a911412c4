#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace pp {

/// Records what one rank does and when, in the Chrome trace format (Perfetto,
/// chrome://tracing). The rank's own thread uses it. Spans are nested. A wait
/// divides the spans that are open: it lies between their parts, not inside
/// them. After kMaxSpans spans nothing more is recorded.
class TraceRecorder {
 public:
  static constexpr size_t kMaxSpans = 100'000;

  /// replica  the rank's replica, which distinguishes the messages of different
  ///          replicas
  TraceRecorder(int rank, int replica) : rank_(rank), replica_(replica) {}

  /// Begins an action, which ends the previous one.
  ///
  /// kind  the action's name: "F", "SEND_B", ...
  void begin_action(int stage, int microbatch, std::string_view kind);
  /// Ends the current action; does nothing if there is none.
  void end_actions();
  /// Adds an action to the separate track of the rank's device. Times are those
  /// of trace_clock_ns().
  void add_device_action(
      int stage,
      int microbatch,
      std::string_view kind,
      int64_t begin_ns,
      int64_t end_ns);
  /// Records that a stage holds `num_bytes` of device memory from `at_ns` on.
  void add_memory(int stage, int64_t at_ns, int64_t num_bytes);
  /// Begins a span that isn't an action, such as "update".
  void begin(std::string name);
  void end();
  /// Begins a wait, which ends the previous one.
  void begin_wait(std::string name);
  /// Ends the current wait; does nothing if there is none.
  void end_wait();
  /// Marks the beginning of a step, counted from 1. Spans that begin from now
  /// on belong to it.
  void set_step(int64_t step);

  /// Ends all open spans, and returns the rank's events as the items of a JSON
  /// list, without its brackets. In the trace the rank is a process, whose
  /// threads are the host and the device. An arrow leads from each send to the
  /// action that uses the message.
  ///
  /// origin_ns  the time of the job's beginning, which one rank read from
  ///            trace_clock_ns()
  std::string events(int64_t origin_ns);

 private:
  struct Interval {
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
  };
  struct Span {
    std::string name;
    int stage = -1;
    int microbatch = -1;
    int64_t step = 0;
    Interval time = {};
    std::vector<Interval> waits = {};  ///< the waits during the span, in order
    std::string arrow = {};  ///< name of the arrow that begins or ends here
    bool arrow_begins = false;
    bool on_device = false;
  };
  struct Mark {
    int64_t step = 0;
    int64_t at_ns = 0;
  };
  struct Memory {
    int stage = 0;
    int64_t at_ns = 0;
    int64_t num_bytes = 0;
  };
  using Slot = std::tuple<int, int, bool>;  // stage, microbatch, forward

  static Span span_of(int stage, int microbatch, std::string_view kind);
  static std::vector<Interval> slices_of(const Span& span);
  bool is_full() const { return spans_.size() >= kMaxSpans; }
  void push(Span span);
  void end_wait_at(int64_t now_ns);
  std::string span_events(const Span& span, int64_t origin_ns) const;

  std::string arrow_name(
      int receiver, int microbatch, bool forward, bool begins);

  int rank_;
  int replica_;
  int64_t step_ = 0;
  std::vector<Span> spans_;
  std::vector<Memory> memory_;
  std::vector<Mark> steps_;
  std::vector<size_t> open_;  ///< positions in spans_; kMaxSpans if dropped
  std::optional<Span> wait_;  ///< the wait in progress
  bool in_action_ = false;
  bool has_device_ = false;
  /// Number of arrows, by "s" (start) or "f" (finish) and name.
  std::map<std::string, int> num_arrows_;
  std::set<Slot> received_;  ///< messages received but not used yet
};

/// Returns the time in nanoseconds, from a clock that all ranks of a host
/// share.
int64_t trace_clock_ns();

/// Writes the trace file of a job.
///
/// events  the results of TraceRecorder::events() of all ranks
/// throws  Error(Runtime) naming the path: the file can't be written
void write_trace(
    const std::filesystem::path& path, const std::vector<std::string>& events);

}  // namespace pp
