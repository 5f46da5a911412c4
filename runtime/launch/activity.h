#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace pp {

/// What a rank was at when somebody looked.
struct Doing {
  int stage = -1;  ///< -1: not in an action
  int microbatch = -1;
  std::string kind;    ///< of the action: "F", "WAIT_SEND_B"
  int peer = -1;       ///< the rank it waits for; -1: it does not wait
  bool sends = false;  ///< until the peer takes a message; else: for one of it
  double seconds = 0;  ///< how long it has been at it

  bool in_action() const { return stage >= 0; }
  bool waits() const { return peer >= 0; }
};

/// "1F3"; empty outside of actions
std::string action_text(const Doing& doing);
/// "a message from rank 0: the activation of microbatch 3 of stage 0"
std::string awaited_text(const Doing& doing);

std::string to_json(const Doing& doing);
/// What to_json gave; of any other text: nothing being done.
Doing doing_from_json(const std::string& text);

/// A change of what a rank is at.
struct ActivityEvent {
  enum class What { ActionBegins, ActionsEnd, WaitBegins, WaitEnds };
  What what = What::ActionBegins;
  int stage = -1;
  int microbatch = -1;
  std::string_view kind = {};
  int peer = -1;
  bool sends = false;
};

/// What a rank is at. Its own thread says so, any thread may look.
class Activity {
 public:
  /// On the rank's own thread, at each change; what it throws when an action
  /// begins is that action's failure.
  using Observer = std::function<void(const ActivityEvent& event)>;

  /// An action begins, and the one before is over. kind: of static storage
  void begin(int stage, int microbatch, std::string_view kind);
  /// No action is under way.
  void end();
  void begin_wait(int peer, bool sends);
  void end_wait();
  /// A wait ran out: from now on this is what the rank was at.
  void mark_stalled();

  bool stalled() const;
  Doing now() const;
  /// One at a time; on the rank's own thread. Null: none from now on.
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
