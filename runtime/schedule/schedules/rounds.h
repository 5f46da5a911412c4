#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

/// The order in which interleaved schedules visit the stages of a rank: in
/// rounds of about num_ranks microbatches, each through all of the rank's
/// stages.
///
/// A number of microbatches that doesn't fill its rounds is raised to the next
/// number that does. The added microbatches are removed from the finished
/// order, which stays valid because no action depends on another microbatch.
struct Rounds {
  int num_ranks = 1;
  int stages_per_rank = 1;
  int num_microbatches = 1;  ///< rounded up to fill the rounds
  int microbatches_per_round = 1;

  explicit Rounds(const Shape& shape);

  /// Number of forwards of one rank, which is also its number of backwards.
  int num_ops() const { return stages_per_rank * num_microbatches; }

  /// Returns forward number `op` of a rank. A round visits the rank's stages
  /// from first to last.
  Action forward(int rank, int op) const;

  /// Returns backward number `op` of a rank. A round visits the rank's stages
  /// from last to first.
  Action backward(int rank, int op, ActionKind kind) const;
};

/// Removes the microbatches whose number is `num_microbatches` or more. An
/// action that loses its partner in an overlapped pair no longer overlaps.
void drop_microbatches(std::vector<Action>& program, int num_microbatches);

}  // namespace pp
