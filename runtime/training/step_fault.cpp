#include "runtime/training/step_fault.h"

#include <cmath>

#include "loader/core/count_text.h"
#include "loader/core/text.h"
#include "runtime/observe/progress_format.h"
#include "runtime/pipeline/failed_rows.h"
#include "runtime/rank/collectives.h"
#include "runtime/training/bad_values.h"

namespace pp {

namespace {

std::string in_rows(std::span<const int64_t> rows) {
  return " (" + rows_text(rows) + " of the data)";
}

std::string loss_text(const StepSummary& summary, const FaultyStep& step) {
  const int microbatch = summary.bad_microbatch;
  if (microbatch < 0) {
    return "the loss is " + number_text(summary.loss) + in_rows(step.rows);
  }
  return "the loss of microbatch " + std::to_string(microbatch) + " is " +
         number_text(summary.loss) +
         in_rows(rows_of_microbatch(step.batch, step.rows, microbatch));
}

std::string gradient_text(const StepSummary& summary, const FaultyStep& step) {
  std::string text = "the gradient norm is " + number_text(summary.grad_norm) +
                     ", though the loss is " + number_text(summary.loss) +
                     in_rows(step.rows);
  const std::vector<std::string>& bad = summary.bad_gradients;
  if (!bad.empty()) {
    text +=
        bad.size() == 1
            ? "; the gradient of '" + bad.front() + "' isn't finite"
            : "; the gradients of '" + bad.front() + "' and " +
                  count_text(
                      bad.size() - 1, "other parameter", "other parameters") +
                  " aren't finite";
  }
  return text;
}

constexpr const char* kTrainingAdvice =
    "a smaller train.optimizer.lr or train.clip_grad_norm may help";

FaultText state_text(
    const StepSummary& summary,
    const std::string& names,
    const FaultyStep& step) {
  const std::string what = "the model wrote nan to '" + names +
                           "', though the loss is " +
                           number_text(summary.loss) + in_rows(step.rows);
  if (names.find("running_var") == std::string::npos) {
    return {what, kTrainingAdvice};
  }
  return {
      what +
          "; batch norm needs two or more values per channel in every "
          "microbatch",
      "make microbatches larger, or set data.drop_last if only an epoch's last "
      "batch is too small"};
}

}  // namespace

StepFault fault_of(
    const StepSummary& summary, Precision precision, double loss_scale) {
  if (!std::isfinite(summary.loss)) {
    return StepFault::Loss;
  }
  if (summary.bad_state) {
    return StepFault::State;
  }
  // Below a scale of 1, it is not the scale that makes gradients overflow.
  const bool norm_may_overflow =
      precision == Precision::Float16 && loss_scale >= 1;
  if (!norm_may_overflow && !std::isfinite(summary.grad_norm)) {
    return StepFault::Gradient;
  }
  return summary.weight > 0 ? StepFault::None : StepFault::NoTarget;
}

FaultText describe_fault(
    RankContext& world,
    const Plan& plan,
    StepFault fault,
    const StepSummary& summary,
    const FaultyStep& step) {
  if (fault == StepFault::NoTarget) {
    return {
        "every target is ignored" + in_rows(step.rows) +
            ", so there is no loss",
        ""};
  }
  const std::string own =
      fault == StepFault::State
          ? join(step.bad_states, "', '")
          : find_bad_value(
                step.batch, plan.data, step.rows, summary.bad_microbatch);
  std::vector<std::string> found = gather_text(world, own);
  std::erase(found, "");
  if (world.rank != 0) {
    return {};
  }
  if (fault == StepFault::State) {
    return state_text(summary, join(found, "', '"), step);
  }
  const std::string what = fault == StepFault::Loss
                               ? loss_text(summary, step)
                               : gradient_text(summary, step);
  if (found.empty()) {
    return {what, kTrainingAdvice};
  }
  return {what + "; " + found.front(), "correct the data"};
}

}  // namespace pp
