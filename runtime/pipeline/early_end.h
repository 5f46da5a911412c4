#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

#include "runtime/rank/rank_context.h"

namespace pp {

/// Lets a request to stop that may reach any one rank end a stream of forwards
/// on all ranks, each pipeline at a slot that its ranks agree on. The ranks ask
/// each other about twice a second, at slots that are the same on all of them.
class EarlyEnd {
 public:
  /// world  all ranks of the job, in all pipelines; must outlive this object
  /// stop   this rank's request to stop
  EarlyEnd(RankContext& world, std::stop_token stop);

  /// The slot before which the ranks ask each other next.
  int64_t next_slot() const { return next_slot_; }

  /// Asks all ranks of the job if `slot` is the next slot; does nothing
  /// otherwise. Returns whether a rank was asked to stop.
  bool is_asked(int64_t slot);

  /// Takes part in the questions of pipelines with more slots, after this rank
  /// has run all of its own. Returns false if a rank was asked to stop before
  /// all were done.
  bool wait_for_others();

 private:
  struct Answer {
    bool stop = false;
    bool all_done = false;
    double longest_s = 0;
  };
  Answer ask(bool is_done);

  RankContext& world_;
  std::stop_token stop_;
  std::chrono::steady_clock::time_point last_;
  int64_t num_slots_ = 1;  ///< number of slots between two questions
  int64_t next_slot_ = 1;
};

}  // namespace pp
