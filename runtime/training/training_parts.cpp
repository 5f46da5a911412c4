#include "runtime/training/training_parts.h"

#include "loader/core/count_text.h"

namespace pp {

std::string rest_text(int64_t done, int64_t num_steps) {
  return num_steps == 0 || done < num_steps
             ? ""
             : "; the job's " + count_text(num_steps, "step", "steps") +
                   (num_steps == 1 ? " is" : " are") +
                   " done, so nothing is left to train";
}

RankStages build_stages(const Plan& plan, const RankContext& pipeline) {
  RankStages stages(
      plan.source,
      stages_of(plan.train_schedule.stage_to_rank, pipeline.rank),
      stage_options(plan, device_of(pipeline)));
  stages.freeze(plan.train->freeze);
  use_graphs(plan.execution, pipeline, stages);
  return stages;
}

std::optional<SavedOutputs> outputs_to_save(
    const Plan& plan, const std::filesystem::path& path, int pipeline_rank) {
  std::optional<SavedOutputs> outputs;
  if (!plan.saved_outputs.empty() &&
      owns_last_stage(plan.train_schedule.stage_to_rank, pipeline_rank)) {
    outputs.emplace(path, plan.output.outputs, plan.saved_outputs);
  }
  return outputs;
}

}  // namespace pp
