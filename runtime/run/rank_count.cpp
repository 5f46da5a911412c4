#include "runtime/run/rank_count.h"

#include "loader/core/error.h"
#include "runtime/run/counted.h"
#include "runtime/schedule/csv.h"
#include "runtime/schedule/schedule.h"

namespace pp {

namespace {

/// "split into 4 or 6 stages": the nearest numbers that divide.
[[noreturn]] void refuse_uneven(int num_stages, int per_rank) {
  const int below = num_stages / per_rank * per_rank;
  throw usage_error(
      "pipeline.stages_per_rank is " + std::to_string(per_rank) +
      ", but the model is split into " +
      counted(num_stages, "stage", "stages") + "; split into " +
      (below > 0 ? std::to_string(below) + " or " : "") +
      std::to_string(below + per_rank));
}

int wanted_ranks(const PipelineConfig& pipeline, int num_stages) {
  if (!pipeline.stages_per_rank) {
    return pipeline.ranks ? *pipeline.ranks
                          : default_ranks(pipeline.schedule, num_stages);
  }
  const int per_rank = *pipeline.stages_per_rank;
  if (num_stages % per_rank != 0) {
    refuse_uneven(num_stages, per_rank);
  }
  const int ranks = num_stages / per_rank;
  if (pipeline.ranks && *pipeline.ranks != ranks) {
    throw usage_error(
        counted(num_stages, "stage", "stages") + " at " +
        std::to_string(per_rank) + " a rank (pipeline.stages_per_rank) are " +
        counted(ranks, "rank", "ranks") + ", but pipeline.ranks is " +
        std::to_string(*pipeline.ranks) + "; remove one of the two");
  }
  return ranks;
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
        std::to_string(ranks) + (pipeline.ranks ? "" : " ranks") + ", but " +
        std::to_string(*world) + " ranks were started; start " +
        std::to_string(ranks) + " or remove " +
        (pipeline.ranks ? "pipeline.ranks" : "pipeline.stages_per_rank"));
  }
  if (ranks > num_stages) {
    throw usage_error(
        std::to_string(ranks) + " ranks, but the model is split into " +
        counted(num_stages, "stage", "stages") +
        ": each rank needs one; start " + std::to_string(num_stages) +
        " ranks, or add " +
        counted(ranks - num_stages, "split point", "split points"));
  }
  return ranks;
}

}  // namespace pp
