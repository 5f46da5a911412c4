#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>

#include "runtime/rank/rank_context.h"

namespace pp {

/// Ends a stream of forwards on all ranks once any rank is asked to stop. All
/// ranks of a pipeline end at the same slot. To agree on it, the ranks exchange
/// messages about twice a second, all before the same slot.
class EarlyEnd {
 public:
  /// world  all ranks of the job, in all pipelines; must outlive this object
  /// stop   this rank's request to stop
  EarlyEnd(RankContext& world, std::stop_token stop);

  /// The slot before which the ranks' next exchange takes place.
  int64_t next_slot() const { return next_slot_; }

  /// If `slot` is next_slot(), exchanges messages with all ranks of the job and
  /// returns whether any of them was asked to stop; otherwise returns false.
  bool is_asked(int64_t slot);

  /// Call it after this rank's last slot. Takes part in the exchanges until all
  /// ranks have run their last slot. Returns false if a rank was asked to stop
  /// before that.
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
  int64_t num_slots_ = 1;  ///< number of slots between two exchanges
  int64_t next_slot_ = 1;
};

}  // namespace pp
