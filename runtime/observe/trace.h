#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace pp {

/// What one rank does when, for the Chrome trace format (Perfetto,
/// chrome://tracing). Used by the rank's own thread. Spans lie in one another
/// as they were begun; it stops taking more at kMostSpans.
class TraceRecorder {
 public:
  static constexpr size_t kMostSpans = 100'000;

  /// replica  whose messages these are: two replicas' have the same names
  TraceRecorder(int rank, int replica) : rank_(rank), replica_(replica) {}

  /// An action begins, and the one before is over. kind: "F", "SEND_B", ...
  void begin_action(int stage, int microbatch, std::string_view kind);
  /// No action is under way.
  void end_actions();
  /// What the rank's device did meanwhile, on a track of its own; times by
  /// trace_clock_ns().
  void add_device_action(
      int stage,
      int microbatch,
      std::string_view kind,
      int64_t begin_ns,
      int64_t end_ns);
  /// What a stage holds of the device's memory from then on.
  void add_memory(int stage, int64_t at_ns, int64_t num_bytes);
  /// Something that is no action: "update".
  void begin(std::string name);
  void end();
  /// The spans that begin from now on are this step's (counted from 1).
  void set_step(int64_t step) { step_ = step; }

  /// The rank's events, to go between the brackets of a list; its open spans
  /// end now. Sends have an arrow to the action that uses the message.
  ///
  /// origin_ns  the job's beginning, by trace_clock_ns() of one rank
  std::string events(int64_t origin_ns);

 private:
  struct Span {
    std::string name;
    int stage = -1;
    int microbatch = -1;
    int64_t step = 0;
    int64_t begin_ns = 0;
    int64_t end_ns = 0;
    std::string arrow = {};  ///< begins or ends one of that name
    bool arrow_begins = false;
    int64_t arrow_ns = 0;  ///< where it does: its end when the message is there
    bool on_device = false;
  };
  struct Memory {
    int stage = 0;
    int64_t at_ns = 0;
    int64_t num_bytes = 0;
  };
  using Slot = std::tuple<int, int, bool>;  // stage, microbatch, forward

  static Span span_of(int stage, int microbatch, std::string_view kind);
  bool is_full() const { return spans_.size() >= kMostSpans; }
  void push(Span span);

  std::string arrow_name(
      int receiver, int microbatch, bool forward, bool begins);

  int rank_;
  int replica_;
  int64_t step_ = 0;
  std::vector<Span> spans_;
  std::vector<Memory> memory_;
  std::vector<size_t> open_;
  bool in_action_ = false;
  bool has_device_ = false;
  std::map<std::string, int> num_arrows_;  ///< by end and name
  std::set<Slot> received_;                ///< from other ranks, not used yet
};

/// Nanoseconds of a clock that all ranks of a host share.
int64_t trace_clock_ns();

/// Writes `path` from the events of all ranks.
/// throws Error(Runtime) naming path and reason
void write_trace(
    const std::filesystem::path& path, const std::vector<std::string>& events);

}  // namespace pp
