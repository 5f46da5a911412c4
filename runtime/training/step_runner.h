#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "runtime/observe/step_report.h"
#include "runtime/pipeline/device_watch.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/loss_function.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/pipeline/run_trace.h"
#include "runtime/pipeline/step_data.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/mesh.h"
#include "runtime/training/gradients.h"
#include "runtime/training/replicas.h"
#include "runtime/training/saved_outputs.h"
#include "runtime/training/step_fault.h"
#include "runtime/training/training_data.h"
#include "runtime/training/updates.h"
#include "runtime/training/written_states.h"

namespace pp {

/// The outcome of one update. Every rank knows the loss, the norm, the scale,
/// the fault and whether the update was dropped.
struct StepOutcome {
  StepSummary summary;
  double lr = 0;
  double loss_scale = 1;  ///< the scale that the step used
  /// True if gradients overflowed in float16, so there was no update.
  bool dropped = false;
  StepFault fault = StepFault::None;
  FaultText fault_text;  ///< set on rank 0, see describe_fault()
  int64_t num_rows = 0;  ///< rows of all replicas
  double seconds = 0;
};

/// Returns the report of an update on rank 0.
///
/// step       the update's number, from 1
/// num_steps  number of updates in the whole run
StepReport report_of(
    const StepOutcome& outcome, int64_t step, int64_t num_steps);

/// Runs one rank's part of the updates: reads the rows, drives the stages
/// through the schedule, completes the gradients, and updates the parameters.
class StepRunner {
 public:
  /// The objects that a step works on; they must outlive the runner.
  struct Parts {
    const Plan& plan;
    MeshRank& ranks;
    RunTrace& trace;
    RankStages& stages;
    Replicas& replicas;
    TrainingData& data;
    Updates& updates;
    SavedOutputs* outputs;  ///< null: this rank saves none
    /// Asks this rank, and thereby all ranks, to stop.
    std::stop_token save_and_stop;
  };

  /// num_steps  number of updates in the whole run
  /// throws     what LossFunction and check_lr_schedule() throw
  StepRunner(const Parts& parts, int64_t num_steps);

  /// Runs the update that follows `step` completed ones. All ranks call it
  /// together.
  /// throws  ActionFailed, which names the rows of the data if an operator
  ///         failed
  StepOutcome run(int64_t step);

  /// Logs the peak memory of each stage on the rank's device; does nothing on
  /// the CPU.
  void report_memory(const Log& log) const;

 private:
  StepTimes run_pipeline(int64_t step, const StepData& batch);
  StepInputs pipeline_inputs(
      int64_t step, const StepData& batch, int first, bool is_last);
  StepSummary complete_gradients(const StepData& batch, StepTimes times);
  bool update(double grad_norm, double lr);
  void handle_fault(int64_t step, const StepData& batch, StepOutcome& outcome);

  bool time_is_up() const;

  Parts parts_;
  int64_t num_steps_;
  std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
  bool owns_last_stage_;
  LossFunction loss_;
  Executor executor_;
  WrittenStates written_;
  /// States into which the step wrote NaN.
  std::vector<std::string> bad_states_;
  std::optional<DeviceWatch> device_watch_;  ///< nullopt on the CPU
};

}  // namespace pp
