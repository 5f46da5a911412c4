#include "runtime/training/fault_reports.h"

#include "loader/core/count_text.h"
#include "runtime/training/step_fault.h"

namespace pp {

void FaultReports::note(int64_t step, const StepOutcome& outcome) {
  ++num_steps_;
  const StepFault fault = outcome.fault;
  // An update that was dropped, because it overflowed in float16, did nothing.
  if (fault == StepFault::None || ends_run(fault, on_nan_) || outcome.dropped) {
    return;
  }
  const std::string what =
      "step " + std::to_string(step) + ": " + outcome.fault_text.what;
  if (!takes_update(fault, on_nan_)) {
    ++num_left_out_;
    log_.warning(what + "; its update is left out");
    return;
  }
  if (!first_bad_) {
    first_bad_ = step;
    log_.warning(
        what +
        "; training continues (train.on_nan = \"continue\"), and later steps "
        "like this aren't reported");
  }
}

std::string FaultReports::end_text(
    int64_t step,
    const StepOutcome& outcome,
    const std::optional<std::filesystem::path>& checkpoint) {
  return "step " + std::to_string(step) + ": " + outcome.fault_text.what +
         "; " + outcome.fault_text.advice +
         "; train.on_nan = \"skip\" leaves such steps out; " +
         (checkpoint ? "the last checkpoint is " + checkpoint->string()
                     : "the run has saved no checkpoint");
}

void FaultReports::finish() const {
  if (num_left_out_ > 0) {
    log_.warning(
        count_text(num_left_out_, "update", "updates") + " of " +
        std::to_string(num_steps_) +
        (num_left_out_ == 1 ? " was left out" : " were left out"));
  }
}

}  // namespace pp
