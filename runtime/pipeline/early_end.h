#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

#include "runtime/rank/rank_context.h"

namespace pp {

/// Ends a stream of forwards on all ranks once any rank is asked to stop. All
/// ranks of a pipeline end at the same slot. About twice a second, all at the
/// same slot, the ranks tell each other whether they were asked.
class EarlyEnd {
 public:
  /// world  all ranks of the job, in all pipelines; must outlive this object
  /// stop   this rank's request to stop
  EarlyEnd(RankContext& world, std::stop_token stop);

  /// The slot before which the ranks ask each other next.
  int64_t next_slot() const { return next_slot_; }

  /// If `slot` is next_slot(), asks all ranks of the job; otherwise does
  /// nothing. Returns whether a rank was asked to stop.
  bool is_asked(int64_t slot);

  /// Answers the other ranks until all have run their last slot. Call it after
  /// this rank's own last slot. Returns false if a rank was asked to stop
  /// before all were done.
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
