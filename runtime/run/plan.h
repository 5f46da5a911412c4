#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "loader/core/log.h"
#include "loader/ir/input_hints.h"
#include "loader/model.h"
#include "runtime/data/batch.h"
#include "runtime/job/job.h"
#include "runtime/launch/agree.h"
#include "runtime/run/mesh.h"
#include "runtime/schedule/schedule.h"
#include "runtime/stage/border.h"
#include "splitter/artifact.h"
#include "splitter/manifest.h"

namespace pp {

/// A stage's graph and where its tensors lie.
struct StageSource {
  ir::Graph graph;
  std::map<std::string, StateRecord> records;
  std::shared_ptr<const ZipReader> archive;
};

/// The stages a job runs: from a stage directory, or cut from a model now.
struct PipelineSource {
  Manifest manifest;
  std::vector<StageSource> stages;
  std::vector<Cut> cuts;           ///< of a model cut now
  std::vector<std::string> notes;  ///< for the user, a line each
};

/// cuts      where to cut the model; none: decided here, by `split`
/// examples  see LoadOptions
/// throws    Error(Usage) or Error(Input), see open_stages, load_model,
///           partition
PipelineSource open_pipeline(
    const ModelConfig& model,
    const SplitConfig& split,
    const std::optional<std::vector<Cut>>& cuts = {},
    const InputHints& examples = {});
PipelineSource cut_model(const Model& model, const SplitSpec& spec);

/// Cuts as a text, so that one rank decides them for all, and back.
std::string cuts_text(const std::vector<Cut>& cuts);
std::vector<Cut> parse_cuts(const std::string& text);

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

/// The lowered schedule of that name, or of a file, for a pipeline. Where the
/// pipeline has more stages than ranks and schedule take, neighbours run as
/// one.
///
/// forward_only     forward_stream on the placement of that schedule
/// stages_per_rank  none: the schedule's own; as many as there are, where it
///                  takes any number
/// rank_map         by stage; empty: the schedule's own
/// throws           Error(Usage): too few stages for the ranks
Schedule plan_schedule(
    const std::string& name,
    int num_ranks,
    int num_stages,
    int num_microbatches,
    bool forward_only,
    std::optional<int> stages_per_rank = {},
    std::span<const int> rank_map = {});

}  // namespace pp
