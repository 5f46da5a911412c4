#pragma once

#include "runtime/schedule/peak_memory.h"
#include "runtime/schedule/simulate.h"
#include "runtime/stage/stage.h"

namespace pp {

/// One microbatch to try a stage on.
struct ProbeInput {
  const Message* previous = nullptr;  ///< what the stage before sent
  UserInputs user_inputs;
  Pass pass = Pass::Train;
  /// Training, last stage: the weighted loss of the model outputs.
  OutputsTaker loss;
};

/// What one microbatch of a stage takes.
struct StageProbe {
  StageMemory memory;
  StageCost cost;  ///< times in seconds, 0 where they were not asked for
  /// What I and W take together against the B before them; 0 if not timed.
  double split_ratio = 0;
  Message to_next;  ///< for the next stage's probe
};

/// Runs one microbatch through a stage, backward and split backward included,
/// and watches what it allocates. Gradients that come back are made up; no
/// matter what they are, they take as long. Leaves gradients in the parameters
/// and renewed buffers in the stage: take one that nobody needs.
///
/// num_timed  how often each action is timed, after it ran two times; the cost
///            is the median. 0: not at all
/// throws     as Stage
StageProbe probe_stage(Stage& stage, const ProbeInput& input, int num_timed);

}  // namespace pp
