#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loader/allowed/trust.h"
#include "runtime/data/batch.h"
#include "runtime/job/job.h"
#include "runtime/plan/pipeline_source.h"
#include "runtime/plan/plan_schedule.h"
#include "runtime/rank/agree.h"
#include "runtime/rank/mesh.h"
#include "runtime/schedule/schedule.h"
#include "runtime/stage/border.h"

namespace pp {

/// How the ranks compute and wait, in training and inference alike.
struct Execution {
  DeviceChoice device;
  bool cuda_graphs = false;
  int threads_per_rank = 1;
  TransportKind transport = TransportKind::Auto;
  std::chrono::milliseconds stall_timeout = std::chrono::minutes(1);
};

/// Everything that is decided before the first tensor moves: a job resolved
/// against its model, data and number of ranks. Every rank makes the same plan;
/// to be sure, the ranks compare their agreement().
struct Plan {
  // The model and its stages.
  PipelineSource source;
  Mode mode = Mode::Exported;
  Trust trust;  ///< how far the model's files are trusted
  /// The checkpoint whose weights replace the model's at the start; nullopt:
  /// none.
  std::optional<std::filesystem::path> initial_weights;

  // The ranks and what they do.
  int num_ranks = 1;  ///< number of ranks of one pipeline
  Mesh mesh;          ///< the ranks of all pipelines
  std::string schedule_name;
  Schedule train_schedule;  ///< lowered; empty for inference
  /// The forwards of one batch, for inference and evaluation, as a stream on
  /// the schedule's placement. A run joins the forwards of all its batches into
  /// one stream (run_forwards).
  Schedule forward_schedule;
  Execution execution;

  // The data.
  DataConfig data;  ///< in inference: not shuffled, and without a target
  BatchPlan batch;
  std::vector<InputSpec> inputs;
  uint64_t seed = 0;

  // Training and evaluation.
  std::optional<TrainConfig> train;  ///< nullopt: inference
  std::string loss_output;           ///< the model output that the loss reads
  Recompute recompute;
  /// Whether the optimizer's state is divided among replicas.
  bool shards_optimizer = false;
  std::optional<EvalConfig> eval;  ///< set only with `train`
  BatchPlan eval_batch;            ///< has as many microbatches as `batch`

  // Output files.
  OutputConfig output;
  std::vector<std::string> saved_outputs;
  WantedOutputs wanted;  ///< the saved outputs, and the one that the loss reads
  WrittenJob written;

  /// Notes about decisions that may surprise the user, one line each.
  std::vector<std::string> notes;

  int num_stages() const { return static_cast<int>(source.stages.size()); }
  bool trains() const { return train.has_value(); }
  /// Returns the values that must be equal on every rank.
  Agreement agreement() const;
};

/// Makes the plan of a job.
///
/// world_size  number of ranks that another launcher started; nullopt: the job
///             decides how many there are
/// cuts        the cuts that rank 0 chose, which are used unchanged; nullopt:
///             chooses them here
/// throws      Error(Usage): ranks and stages don't fit, an output is unknown,
///             or the export doesn't accept a size; Error(Input): the model
///             can't be used
std::shared_ptr<const Plan> make_plan(
    const Job& job,
    std::optional<int> world_size,
    const std::optional<std::vector<Cut>>& cuts = {});

}  // namespace pp
