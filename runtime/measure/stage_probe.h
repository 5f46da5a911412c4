#pragma once

#include "runtime/schedule/peak_memory.h"
#include "runtime/schedule/simulate.h"
#include "runtime/stage/stage.h"

namespace pp {

/// A microbatch to run through a stage.
struct ProbeInput {
  /// Message of the previous stage; null: none.
  const Message* previous = nullptr;
  UserInputs user_inputs;
  Pass pass = Pass::Train;
  /// Computes the weighted loss of the model's outputs (last stage, training).
  OutputsCallback loss;
};

/// The memory and time that one microbatch needs in a stage.
struct StageProbe {
  StageMemory memory;
  StageCost cost;  ///< times in seconds; 0 if not timed
  /// Median of (time of I + time of W) / (time of B); 0 if not timed.
  double split_ratio = 0;
  Message to_next;  ///< input of the next stage's probe
};

/// Runs one microbatch through a stage, including the full and the split
/// backward, and records what it allocates. The incoming gradients are made up,
/// because time doesn't depend on their values. The run leaves gradients in the
/// parameters and new values in the buffers, so the stage can't be used for
/// anything else afterwards.
///
/// num_timed  how often each action is timed, after two runs to warm up; the
///            cost is the median. 0: nothing is timed
/// throws     what Stage throws
StageProbe probe_stage(Stage& stage, const ProbeInput& input, int num_timed);

}  // namespace pp
