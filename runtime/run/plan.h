#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/data/batch.h"
#include "runtime/job/job.h"
#include "runtime/launch/agree.h"
#include "runtime/run/mesh.h"
#include "runtime/run/pipeline_source.h"
#include "runtime/run/plan_schedule.h"
#include "runtime/schedule/schedule.h"
#include "runtime/stage/border.h"

namespace pp {

/// Everything a job decides before its first tensor moves. Every rank comes to
/// the same plan; what `agreement` gives is compared to be sure.
struct Plan {
  Job job;
  PipelineSource source;
  int num_ranks = 1;        ///< of one pipeline
  Mesh mesh;                ///< of all
  Schedule train_schedule;  ///< lowered; empty for inference
  /// Inference and evaluation of one batch, as a stream on the schedule's
  /// placement; a run strings all its batches together (run_forwards).
  Schedule forward_schedule;
  BatchPlan batch;
  BatchPlan eval_batch;  ///< as many microbatches as `batch`
  std::vector<InputSpec> inputs;
  WantedOutputs wanted;
  std::string loss_output;  ///< the model output the loss reads
  std::vector<std::string> saved_outputs;
  std::vector<std::string> notes;  ///< for the user, once

  int num_stages() const { return static_cast<int>(source.stages.size()); }
  bool trains() const { return job.train.has_value(); }
  /// What must be the same on every rank.
  Agreement agreement() const;
};

/// world_size  how many ranks something else started; none: the job decides
/// cuts        another rank's, to be taken as they are
/// throws      Error(Usage): ranks and stages do not fit, unknown outputs,
///             sizes the export can't take; Error(Input): the model
std::shared_ptr<const Plan> make_plan(
    const Job& job,
    std::optional<int> world_size,
    const std::optional<std::vector<Cut>>& cuts = {});

}  // namespace pp
