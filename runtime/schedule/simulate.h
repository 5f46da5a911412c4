#pragma once

#include <cstdint>
#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// What one microbatch of one stage costs. Times are in any unit, the same
/// throughout; sizes in bytes.
struct StageCost {
  double forward = 1;
  double input = 1;              ///< I
  double weight = 1;             ///< W
  double backward = 2;           ///< B
  int64_t activation_bytes = 0;  ///< kept from F to B, or to I
  int64_t weight_bytes = 0;      ///< of these, kept from I to W
  int64_t output_bytes = 0;      ///< sent down after F
  int64_t gradient_bytes = 0;    ///< sent up after B or I
};

struct CostTable {
  /// By stage; a single row is every stage's.
  std::vector<StageCost> stages = {StageCost{}};
  double latency = 0;         ///< of a message, once it is on the wire
  double bytes_per_time = 0;  ///< of a link; 0: messages take no time on it
  /// Of an overlapped pair, the share of the shorter one that is hidden
  /// behind the longer: 0 runs one after the other, 1 hides it.
  double overlap = 0;
};

/// A compute action when it runs.
struct TimedAction {
  Action action;
  double begin = 0;
  double end = 0;
};

/// A message on the wire.
struct Transfer {
  Action send;
  int32_t from = 0;
  int32_t to = 0;
  double begin = 0;
  double end = 0;  ///< when it is there
};

/// What one rank does in a simulated step.
struct RankTimeline {
  std::vector<TimedAction> actions;  ///< F, B, I and W only, in time
  double busy = 0;
  double bubble = 0;  ///< share of the makespan in which it stands idle
  /// The most activations alive at once, from F to B or W, each of one stage
  /// and microbatch; divided by the stages on this rank: whole microbatches.
  int64_t peak_live = 0;
  double peak_microbatches = 0;
  int64_t peak_bytes = 0;
};

/// One action of the longest chain: what to make faster.
struct CriticalStep {
  int32_t rank = 0;
  TimedAction timed;
};

struct Timeline {
  std::vector<RankTimeline> ranks;
  std::vector<Transfer> transfers;  ///< in the order of their sending ranks
  double makespan = 0;
  double bubble = 0;  ///< share of all ranks' time that isn't computing
  std::vector<CriticalStep> critical_path;  ///< in time, without gaps but wires
};

/// Runs a schedule, compute-only or lowered, by the clock: an action begins
/// when its rank is free and its input there. Sends take no time of a rank;
/// messages from one rank to another follow each other on one link.
///
/// throws  Error(Usage) if the schedule never ends, with who waits for whom,
///         or if the table has neither one row nor one a stage
Timeline simulate(const Schedule& schedule, const CostTable& costs);

}  // namespace pp
