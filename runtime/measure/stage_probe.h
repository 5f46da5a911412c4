#pragma once

#include "runtime/schedule/peak_memory.h"
#include "runtime/schedule/simulate.h"
#include "runtime/stage/stage.h"

namespace pp {

/// A microbatch to run through a stage.
struct ProbeInput {
  const Message* previous = nullptr;  ///< from the stage before; null: none
  UserInputs user_inputs;
  Pass pass = Pass::Train;
  /// Computes the weighted loss of the model's outputs (last stage, training).
  OutputsCallback loss;
};

/// Memory and time of one microbatch in a stage.
struct StageProbe {
  StageMemory memory;
  StageCost cost;  ///< times in seconds; 0 if they weren't asked for
  /// Median of (I + W) / B in time; 0 if not timed.
  double split_ratio = 0;
  Message to_next;  ///< for the next stage's probe
};

/// Runs one microbatch through a stage, including the full and the split
/// backward, and records what it allocates. The incoming gradients are made up,
/// since time doesn't depend on their values. The run leaves gradients in the
/// parameters and new values in the buffers, so the stage can't be used for
/// anything else.
///
/// num_timed  number of times each action is timed, after two runs; the cost is
///            the median. 0: nothing is timed
/// throws     what Stage throws
StageProbe probe_stage(Stage& stage, const ProbeInput& input, int num_timed);

}  // namespace pp
