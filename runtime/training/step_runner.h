#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

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
  bool dropped = false;   ///< gradients overflowed: no update
  StepFault fault = StepFault::None;
  FaultText fault_text;  ///< rank 0: see describe_fault()
  int64_t num_rows = 0;  ///< of all replicas
  double seconds = 0;
};

/// Runs updates of a rank: reads the rows, drives the stages through the
/// schedule, completes the gradients, and updates the parameters.
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
    SavedOutputs* outputs;          ///< null: none are saved on this rank
    std::stop_token save_and_stop;  ///< asks this rank, and so all, to stop
  };

  /// num_steps  number of updates in the whole run
  /// throws     as LossFunction and check_lr_schedule do
  StepRunner(const Parts& parts, int64_t num_steps);

  /// Runs the update that follows `step` earlier ones. All ranks call it
  /// together.
  /// throws  ActionFailed, with the rows of the data if an operator failed
  StepOutcome run(int64_t step);

  /// Logs how much memory each stage held at most, on a device.
  void report_memory(const Log& log) const;

 private:
  StepTimes run_pipeline(int64_t step, const StepData& batch);
  StepInputs pipeline_inputs(
      int64_t step, const StepData& batch, int first, bool is_last);
  StepSummary complete_gradients(const StepData& batch, StepTimes times);
  bool update(double grad_norm, double lr);
  void handle_fault(int64_t step, const StepData& batch, StepOutcome& outcome);

  Parts parts_;
  int64_t num_steps_;
  bool owns_last_stage_;
  LossFunction loss_;
  Executor executor_;
  WrittenStates written_;
  std::vector<std::string> bad_states_;      ///< that the step wrote NaN into
  std::optional<DeviceWatch> device_watch_;  ///< none on the CPU
};

}  // namespace pp
