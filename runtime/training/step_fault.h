#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/options/on_nan.h"
#include "runtime/options/precision.h"
#include "runtime/pipeline/step_data.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/rank_context.h"
#include "runtime/training/gradients.h"

namespace pp {

/// Why a step's numbers can't be used for an update.
enum class StepFault {
  None,
  Loss,      ///< the loss isn't a finite number
  State,     ///< the model wrote NaN into a state
  Gradient,  ///< a gradient contains NaN or infinity
  NoTarget,  ///< every target of the step is ignored, so there is no loss
};

/// Returns the fault of a step, from numbers that all ranks have. Gradients
/// that overflow only because the loss is scaled for float16 are not a fault: a
/// smaller scale avoids the overflow.
StepFault fault_of(
    const StepSummary& summary, Precision precision, double loss_scale);

/// Whether the model is updated in spite of the fault.
constexpr bool takes_update(StepFault fault, OnNan on_nan) {
  return fault == StepFault::None ||
         (fault != StepFault::NoTarget && on_nan == OnNan::Continue);
}
/// Whether the run ends because of the fault.
constexpr bool ends_run(StepFault fault, OnNan on_nan) {
  return fault != StepFault::None && fault != StepFault::NoTarget &&
         on_nan == OnNan::Stop;
}

/// The facts that one rank knows about a faulty step.
struct FaultyStep {
  const StepData& batch;
  /// The rows' numbers in the data, in the order of the batch.
  std::span<const int64_t> rows;
  std::vector<std::string> bad_states;  ///< this rank's states that hold NaN
};

/// Describes a fault to the user. `what` is a text such as "the loss of
/// microbatch 2 is nan (rows 8, 9 of the data); input 'x' holds nan in row 9 of
/// the data", and `advice` one such as "correct the data".
struct FaultText {
  std::string what;
  std::string advice;
};

/// Describes the fault of a step. Returns the text on rank 0, and empty texts
/// on the other ranks. All ranks call it together.
FaultText describe_fault(
    RankContext& world,
    const Plan& plan,
    StepFault fault,
    const StepSummary& summary,
    const FaultyStep& step);

}  // namespace pp
