#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <c10/util/intrusive_ptr.h>

#include "runtime/launch/process_id.h"
#include "runtime/rank/failure.h"

namespace c10d {
class Store;
}

namespace pp {

/// The messages that the ranks of a job leave for each other in the job's
/// store: the first cause of failure, signs of life, which ranks have joined
/// and which are done. No call waits for another rank. Every call throws c10d's
/// errors if the store is gone.
///
/// keys  claim/R      who rank R is: see job_claim.h
///       cause        "-", or a Cause as JSON
///       host/R       host name of rank R
///       process/R    ProcessId of rank R
///       beat/R       a counter that rank R increments; "bye" once it leaves
///       activity/R   ActivityState of rank R, at most one beat old
///       seen/R       set once rank R knows the cause
///       done, left   numbers of ranks, see Counter
///       reporter     set if the launcher tells the user the cause
///       told/C       set once a rank prints the cause to the console C
class JobBoard {
 public:
  explicit JobBoard(c10::intrusive_ptr<c10d::Store> store);

  /// Publishes `cause` unless another cause was published before. Returns the
  /// cause that was published first.
  Cause publish(const Cause& cause);
  std::optional<Cause> cause();
  /// Whether a rank has published a cause. Also works if the store has no board
  /// yet.
  static bool has_failed(c10d::Store& store);

  /// Adds this rank to the board, which is the rank's first sign of life.
  void join(int rank, const std::string& host);
  bool has_joined(int rank);
  std::string host(int rank);
  /// Returns the process of a rank, which must have joined.
  ProcessId process(int rank);

  void beat(int rank);
  void note_activity(int rank, const ActivityState& activity);
  /// Returns the activity of a rank, which must have joined.
  ActivityState activity(int rank);
  /// Records that this rank leaves normally and gives no more signs of life.
  void say_goodbye(int rank);
  /// Returns the cause (nullopt: none), and the last sign of life of each of
  /// `ranks`, which must have joined.
  std::pair<std::optional<Cause>, std::vector<std::string>> read(
      const std::vector<int>& ranks);
  static bool said_goodbye(const std::string& beat);

  /// Records that the rank knows the cause and no longer needs the store, so
  /// that the rank that serves the store may leave.
  void mark_seen(int rank);
  bool has_seen(int rank);

  /// Records that the launcher will tell the user why the job failed.
  void announce_reporter();
  bool has_reporter();
  /// Whether this rank may print the cause to `console`: true if it is the
  /// first rank to ask.
  bool may_tell(const std::string& console);

  enum class Counter { Done, Left };
  void count(Counter counter);
  int count_of(Counter counter);

 private:
  c10::intrusive_ptr<c10d::Store> store_;
};

}  // namespace pp
