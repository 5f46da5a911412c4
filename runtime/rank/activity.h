#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace pp {

/// The activity of a rank at one moment.
struct ActivityState {
  int stage = -1;  ///< -1: the rank is not in an action
  int microbatch = -1;
  std::string kind;  ///< kind of the action: "F", "WAIT_SEND_B"
  int peer = -1;     ///< rank that this rank waits for; -1: none
  /// If the rank waits: true if it waits for the peer to receive a message,
  /// false if it waits for a message from the peer.
  bool sends = false;
  /// Seconds since the last change, when an action or a wait began or ended.
  double seconds = 0;

  bool in_action() const { return stage >= 0; }
  bool waits() const { return peer >= 0; }
};

/// Returns the current action as text, "1F3"; empty outside of actions.
std::string action_text(const ActivityState& activity);
/// Returns what the rank waits for: "a message from rank 0: the activation of
/// microbatch 3 of stage 0".
std::string awaited_text(const ActivityState& activity);

std::string to_json(const ActivityState& activity);
/// Parses the result of to_json(). Any other text gives an idle rank's state.
ActivityState activity_from_json(const std::string& text);

/// A change in what a rank is doing.
struct ActivityEvent {
  enum class What { ActionBegins, ActionsEnd, WaitBegins, WaitEnds };
  What what = What::ActionBegins;
  int stage = -1;
  int microbatch = -1;
  std::string_view kind = {};
  int peer = -1;
  bool sends = false;
};

/// Records what a rank is doing, so that other ranks can be told when it hangs
/// or fails. The rank's own thread writes the record; any thread may read it
/// with now().
class Activity {
 public:
  /// Called at each change, on the rank's own thread. If it throws at the
  /// beginning of an action, that action fails.
  using Observer = std::function<void(const ActivityEvent& event)>;

  /// Records that an action begins, which ends the previous one.
  ///
  /// kind  the action's name; must refer to static storage
  void begin(int stage, int microbatch, std::string_view kind);
  /// Records that the current action has ended.
  void end();
  void begin_wait(int peer, bool sends);
  void end_wait();
  /// Records that the current wait ran out of time. Don't call end_wait() then,
  /// so that now() keeps returning this wait.
  void mark_stalled();

  bool stalled() const;
  ActivityState now() const;
  /// Sets the only observer; null removes it. Call it on the rank's own thread.
  void observe(Observer observer) { observer_ = std::move(observer); }

 private:
  using Clock = std::chrono::steady_clock;

  void tell(const ActivityEvent& event) const;

  mutable std::mutex mutex_;
  int stage_ = -1;
  int microbatch_ = -1;
  std::string_view kind_;
  int peer_ = -1;
  bool sends_ = false;
  bool stalled_ = false;
  Clock::time_point since_ = Clock::now();
  Observer observer_;
};

}  // namespace pp
