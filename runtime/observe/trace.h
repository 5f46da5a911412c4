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

/// Records what one rank does and when, for the Chrome trace format (Perfetto,
/// chrome://tracing). Used by the rank's own thread. Spans are nested. A wait
/// splits the open spans: it lies between their parts, not inside them. Nothing
/// is recorded after kMaxSpans spans.
class TraceRecorder {
 public:
  static constexpr size_t kMaxSpans = 100'000;

  /// replica  distinguishes messages of different replicas
  TraceRecorder(int rank, int replica) : rank_(rank), replica_(replica) {}

  /// Begins an action and ends the one before.
  ///
  /// kind  "F", "SEND_B", ...
  void begin_action(int stage, int microbatch, std::string_view kind);
  /// Ends the current action, if there is one.
  void end_actions();
  /// Adds an action to the separate track of the rank's device. Times are by
  /// trace_clock_ns().
  void add_device_action(
      int stage,
      int microbatch,
      std::string_view kind,
      int64_t begin_ns,
      int64_t end_ns);
  /// Records the bytes of device memory that a stage holds from `at_ns` on.
  void add_memory(int stage, int64_t at_ns, int64_t num_bytes);
  /// Begins a span that isn't an action, such as "update".
  void begin(std::string name);
  void end();
  /// Begins a wait and ends the one before.
  void begin_wait(std::string name);
  /// Ends the current wait, if there is one.
  void end_wait();
  /// Sets the step, counted from 1, of the spans that begin from now on, and
  /// marks its beginning.
  void set_step(int64_t step);

  /// Ends all open spans and returns the rank's events as the items of a JSON
  /// list, without its brackets. The rank is a process, whose threads are the
  /// host and the device. Sends have an arrow to the action that uses the
  /// message.
  ///
  /// origin_ns  the job's beginning, by trace_clock_ns() of one rank
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
    std::vector<Interval> waits = {};  ///< during it, in order
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
  std::string span_events(const Span& span, int64_t origin_ns) const;

  std::string arrow_name(
      int receiver, int microbatch, bool forward, bool begins);

  int rank_;
  int replica_;
  int64_t step_ = 0;
  std::vector<Span> spans_;
  std::vector<Memory> memory_;
  std::vector<Mark> steps_;
  std::vector<size_t> open_;  ///< spans; kMaxSpans: one that isn't recorded
  std::optional<Span> wait_;  ///< the current one
  bool in_action_ = false;
  bool has_device_ = false;
  std::map<std::string, int> num_arrows_;  ///< by "s" (start) or "f", and name
  std::set<Slot> received_;                ///< messages not used yet
};

/// Returns nanoseconds of a clock that all ranks of a host share.
int64_t trace_clock_ns();

/// Writes a trace file.
///
/// events  TraceRecorder::events() of every rank
/// throws  Error(Runtime) naming the path
void write_trace(
    const std::filesystem::path& path, const std::vector<std::string>& events);

}  // namespace pp
