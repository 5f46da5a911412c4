#include "runtime/plan/rank_count.h"

#include <algorithm>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "runtime/schedule/csv.h"
#include "runtime/schedule/schedule.h"

namespace pp {

namespace {

int wanted_ranks(const PipelineConfig& pipeline, int num_stages) {
  if (pipeline.ranks) {
    return *pipeline.ranks;
  }
  return pipeline.stages_per_rank
             ? std::max(1, num_stages / *pipeline.stages_per_rank)
             : default_ranks(pipeline.schedule, num_stages);
}

}  // namespace

bool is_schedule_file(const std::string& schedule) {
  return schedule.ends_with(".csv");
}

int default_ranks(const std::string& schedule, int num_stages) {
  if (is_schedule_file(schedule)) {
    return static_cast<int>(load_csv(schedule).ranks.size());
  }
  const int per_rank = find_schedule(schedule).default_stages_per_rank;
  return num_stages % per_rank == 0 ? num_stages / per_rank : num_stages;
}

int rank_count(
    const PipelineConfig& pipeline, int num_stages, std::optional<int> world) {
  const bool is_settled = pipeline.ranks || pipeline.stages_per_rank || !world;
  const int ranks = is_settled ? wanted_ranks(pipeline, num_stages) : *world;
  if (world && ranks != *world) {
    throw usage_error(
        (pipeline.ranks ? "pipeline.ranks is "
                        : "pipeline.stages_per_rank asks for ") +
        (pipeline.ranks ? std::to_string(ranks)
                        : count_text(ranks, "rank", "ranks")) +
        ", but " + count_text(*world, "rank was", "ranks were") +
        " started; start " + std::to_string(ranks) + " or remove " +
        (pipeline.ranks ? "pipeline.ranks" : "pipeline.stages_per_rank"));
  }
  if (ranks > num_stages) {
    throw usage_error(
        count_text(ranks, "rank", "ranks") + ", but the model is split into " +
        count_text(num_stages, "stage", "stages") +
        ": each rank needs one; start " +
        count_text(num_stages, "rank", "ranks") + ", or add " +
        count_text(ranks - num_stages, "split point", "split points"));
  }
  return ranks;
}

}  // namespace pp
