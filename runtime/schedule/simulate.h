#pragma once

#include <cstdint>
#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// The costs of one microbatch of one stage. Times are in any unit that is the
/// same everywhere; sizes are in bytes.
struct StageCost {
  double forward = 1;
  double input = 1;              ///< time of I
  double weight = 1;             ///< time of W
  double backward = 2;           ///< time of B
  int64_t activation_bytes = 0;  ///< activations kept from F to B, or to I
  int64_t weight_bytes = 0;      ///< part of activation_bytes kept from I to W
  int64_t output_bytes = 0;      ///< output sent to the next stage after F
  int64_t gradient_bytes = 0;    ///< sent to the previous stage by B or I
};

struct CostTable {
  /// One row per stage, or a single row that applies to every stage.
  std::vector<StageCost> stages = {StageCost{}};
  double latency = 0;         ///< added to each message's time on the wire
  double bytes_per_time = 0;  ///< bandwidth of a link; 0: unlimited
  /// How much of an overlapped pair's shorter action the longer one hides, from
  /// 0 to 1: with 0 the two run one after the other, with 1 the shorter one is
  /// hidden entirely.
  double overlap = 0;
};

/// A compute action and the time at which it runs.
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
  double end = 0;  ///< time at which the message has arrived
};

/// One rank's part of a simulated step.
struct RankTimeline {
  std::vector<TimedAction> actions;  ///< F, B, I and W only, ordered by time
  double busy = 0;
  double bubble = 0;  ///< idle share of the makespan, from 0 to 1
  /// Peak number of live activations. An activation belongs to one stage and
  /// microbatch, and is live from F to B or W. peak_microbatches is this number
  /// divided by the number of this rank's stages.
  int64_t peak_live = 0;
  double peak_microbatches = 0;
  int64_t peak_bytes = 0;
};

/// One action of the critical path, the longest chain of dependent actions.
struct CriticalStep {
  int32_t rank = 0;
  TimedAction timed;
};

struct Timeline {
  std::vector<RankTimeline> ranks;
  std::vector<Transfer> transfers;  ///< in the order of their sending ranks
  double makespan = 0;
  double bubble = 0;  ///< idle share of all ranks' time, from 0 to 1
  /// Ordered by time; a gap between two steps is a message's time.
  std::vector<CriticalStep> critical_path;
};

/// Runs a schedule, compute-only or lowered, in simulated time: an action
/// begins when its rank is free and its input has arrived. Sends take none of a
/// rank's time; the messages from one rank to another use one link, one after
/// the other.
///
/// throws  Error(Usage): the schedule deadlocks (the message says which ranks
///         wait for which), or the table has neither one row nor one per stage
Timeline simulate(const Schedule& schedule, const CostTable& costs);

}  // namespace pp
