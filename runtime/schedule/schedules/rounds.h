#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

/// How interleaved schedules walk the stages of a rank: in rounds of about
/// num_ranks microbatches, each round through all of the rank's stages.
///
/// A count that doesn't fill its rounds is raised to the next that does; the
/// microbatches added are dropped from the finished order, which leaves a
/// valid one, since no action depends on another microbatch.
struct Rounds {
  int num_ranks = 1;
  int stages_per_rank = 1;
  int num_microbatches = 1;  ///< raised: fills the rounds
  int microbatches_per_round = 1;

  explicit Rounds(const Shape& shape);

  /// Forwards, or backwards, that one rank does.
  int num_ops() const { return stages_per_rank * num_microbatches; }

  /// A rank's forward number `op`: its stages first to last.
  Action forward(int rank, int op) const;

  /// A rank's backward number `op`: its stages last to first.
  Action backward(int rank, int op, ActionKind kind) const;
};

/// Drops the microbatches from `num_microbatches` on. An action whose partner
/// in an overlapped pair is dropped stands alone.
void drop_microbatches(std::vector<Action>& program, int num_microbatches);

}  // namespace pp
