#include "runtime/plan/plan_schedule.h"

#include <algorithm>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "runtime/plan/rank_count.h"
#include "runtime/schedule/csv.h"
#include "runtime/schedule/group_stages.h"
#include "runtime/schedule/lower.h"
#include "runtime/schedule/rank_map.h"
#include "runtime/schedule/stream.h"
#include "runtime/schedule/validate.h"

namespace pp {

namespace {

/// Reads a schedule from a file and checks its sizes. It may have fewer stages
/// than the pipeline; each then stands for a group of neighbours.
Schedule read_schedule(
    const std::string& path,
    int num_ranks,
    int num_stages,
    int num_microbatches) {
  Schedule schedule = load_csv(path);
  const auto refuse = [&](size_t has,
                          int wanted,
                          std::string_view what,
                          std::string_view plural) {
    throw usage_error(
        path + " is a schedule for " +
        count_text(static_cast<int64_t>(has), what, plural) +
        ", but the job has " + std::to_string(wanted));
  };
  if (static_cast<int>(schedule.ranks.size()) != num_ranks) {
    refuse(schedule.ranks.size(), num_ranks, "rank", "ranks");
  }
  if (static_cast<int>(schedule.stage_to_rank.size()) > num_stages) {
    refuse(schedule.stage_to_rank.size(), num_stages, "stage", "stages");
  }
  if (pp::num_microbatches(schedule) != num_microbatches) {
    refuse(
        static_cast<size_t>(pp::num_microbatches(schedule)),
        num_microbatches,
        "microbatch",
        "microbatches");
  }
  return schedule;
}

/// The number of stages to generate a schedule for: all, or groups of
/// neighbours if the split has more than fit the ranks and the schedule.
int group_count(
    const ScheduleEntry& entry,
    int num_ranks,
    int num_stages,
    std::optional<int> stages_per_rank) {
  int per_rank = num_stages / num_ranks;  // at least 1: see rank_count
  if (stages_per_rank) {
    per_rank = *stages_per_rank;
  } else if (entry.places_blocks) {
    return num_stages;  // the schedule groups neighbours itself
  } else if (entry.fixed_stages_per_rank) {
    per_rank = entry.default_stages_per_rank;
  }
  if (per_rank * num_ranks > num_stages) {
    throw usage_error(
        std::string(entry.name) + " with " +
        count_text(per_rank, "stage", "stages") + " on each of " +
        count_text(num_ranks, "rank", "ranks") + " needs " +
        count_text(int64_t{per_rank} * num_ranks, "stage", "stages") +
        ", but the model is " + "split into " + std::to_string(num_stages) +
        "; start " +
        count_text(std::max(1, num_stages / per_rank), "rank", "ranks") +
        " or split into " + std::to_string(int64_t{per_rank} * num_ranks));
  }
  return per_rank * num_ranks;
}

Schedule generate(
    const std::string& name,
    int num_ranks,
    int num_stages,
    int num_microbatches,
    std::optional<int> stages_per_rank) {
  const ScheduleEntry& entry = find_schedule(name);
  return entry.generate(
      {num_ranks,
       group_count(entry, num_ranks, num_stages, stages_per_rank),
       num_microbatches});
}

/// The schedule with one stage per rank that corresponds to a looped schedule.
std::string plain_schedule(const ScheduleEntry& entry) {
  return entry.name == "LoopedBFS" ? "GPipe" : "1F1B";
}

}  // namespace

std::string schedule_misfit(
    const PipelineConfig& pipeline,
    int num_ranks,
    int num_stages,
    bool were_started) {
  if (is_schedule_file(pipeline.schedule) || num_stages == 1) {
    return "";
  }
  const ScheduleEntry& entry = find_schedule(pipeline.schedule);
  const std::string name(entry.name);
  const std::string all = count_text(num_stages, "stage", "stages");
  if (num_ranks == 1 && !pipeline.ranks && !were_started) {
    return name + " puts " + all + " on each rank, so the model's " + all +
           " run on 1 rank and nothing overlaps; split into " +
           std::to_string(2 * num_stages) + " stages or more, or use " +
           (pipeline.stages_per_rank
                ? "a smaller pipeline.stages_per_rank"
                : plain_schedule(entry) + " on " + std::to_string(num_stages) +
                      " ranks");
  }
  if (entry.default_stages_per_rank > 1 && !pipeline.stages_per_rank &&
      num_ranks > 1 && num_stages / num_ranks == 1) {
    return name + " is for several stages on each rank, but " + all + " on " +
           std::to_string(num_ranks) +
           " ranks leave 1 each, so nothing is interleaved; split into " +
           std::to_string(num_ranks * entry.default_stages_per_rank) +
           " stages";
  }
  return "";
}

Schedule plan_schedule(
    const std::string& name,
    int num_ranks,
    int num_stages,
    int num_microbatches,
    bool forward,
    std::optional<int> stages_per_rank,
    std::span<const int> rank_map) {
  Schedule schedule =
      is_schedule_file(name)
          ? read_schedule(name, num_ranks, num_stages, num_microbatches)
          : generate(
                name, num_ranks, num_stages, num_microbatches, stages_per_rank);
  const int num_groups = static_cast<int>(schedule.stage_to_rank.size());
  if (num_groups < num_stages) {
    // Validate it now, while each of its stages is a whole group.
    validate(schedule, num_microbatches, has_backward(schedule));
    schedule = expand_groups(schedule, even_groups(num_stages, num_groups));
  }
  if (!rank_map.empty()) {
    schedule = renumber_ranks(std::move(schedule), rank_map);
  }
  if (forward) {
    // The schedule must be valid, but only its placement is used: a stream of
    // forwards runs on it.
    validate(forward_only(schedule), num_microbatches, false);
    schedule = forward_stream(schedule.stage_to_rank, num_microbatches);
  }
  validate(schedule, num_microbatches, !forward);
  if (!is_lowered(schedule)) {
    schedule = lower(std::move(schedule));
  }
  validate(schedule, num_microbatches, !forward);
  return schedule;
}

}  // namespace pp
