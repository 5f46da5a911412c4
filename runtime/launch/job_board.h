#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <c10/util/intrusive_ptr.h>

#include "runtime/launch/failure.h"
#include "runtime/launch/process_id.h"

namespace c10d {
class Store;
}

namespace pp {

/// What the ranks of a job tell each other through their store: the first
/// cause, signs of life, who is there and who is done. No call waits for
/// another rank. Every call may throw what c10d throws when the store is gone.
///
/// keys  cause: "-" or JSON     beat/R: a counter, then "bye"
///       host/R: a name         seen/R, done, left: counters
///       process/R: a ProcessId   doing/R: a Doing, at most a beat old
///       speaker: there if the launcher tells the user the cause
class JobBoard {
 public:
  explicit JobBoard(c10::intrusive_ptr<c10d::Store> store);

  /// Publishes `cause` unless there is one; returns the first.
  Cause publish(const Cause& cause);
  std::optional<Cause> cause();

  /// This rank is there: first sign of life.
  void join(int rank, const std::string& host);
  bool has_joined(int rank);
  std::string host(int rank);
  /// Of a rank that has joined.
  ProcessId process(int rank);

  void beat(int rank);
  void note_doing(int rank, const Doing& doing);
  /// Of a rank that has joined.
  Doing doing(int rank);
  /// No more signs of life will come, and that is all right.
  void say_goodbye(int rank);
  /// The cause and the last sign of life of each of `ranks` (who have joined).
  std::pair<std::optional<Cause>, std::vector<std::string>> read(
      const std::vector<int>& ranks);
  static bool said_goodbye(const std::string& beat);

  /// The rank knows the cause and has no more use for the store, so its host
  /// may leave.
  void mark_seen(int rank);
  bool has_seen(int rank);

  /// The launcher will tell the user why the job failed.
  void announce_speaker();
  bool has_speaker();

  enum class Counter { Done, Left };
  void count(Counter counter);
  int counted(Counter counter);

 private:
  c10::intrusive_ptr<c10d::Store> store_;
};

}  // namespace pp
