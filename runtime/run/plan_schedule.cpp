#include "runtime/run/plan_schedule.h"

#include <algorithm>

#include "loader/core/error.h"
#include "runtime/run/counted.h"
#include "runtime/run/rank_count.h"
#include "runtime/schedule/csv.h"
#include "runtime/schedule/group_stages.h"
#include "runtime/schedule/lower.h"
#include "runtime/schedule/rank_map.h"
#include "runtime/schedule/stream.h"
#include "runtime/schedule/validate.h"

namespace pp {

namespace {

/// A schedule from a file, which must be one for these sizes; it may have
/// fewer stages, which are then groups of neighbours.
Schedule read_schedule(
    const std::string& path,
    int num_ranks,
    int num_stages,
    int num_microbatches) {
  Schedule schedule = load_csv(path);
  const auto refuse = [&](size_t has, int wanted, const char* what) {
    throw usage_error(
        path + " is a schedule for " + std::to_string(has) + " " + what +
        ", the job has " + std::to_string(wanted));
  };
  if (static_cast<int>(schedule.ranks.size()) != num_ranks) {
    refuse(schedule.ranks.size(), num_ranks, "ranks");
  }
  if (static_cast<int>(schedule.stage_to_rank.size()) > num_stages) {
    refuse(schedule.stage_to_rank.size(), num_stages, "stages");
  }
  if (pp::num_microbatches(schedule) != num_microbatches) {
    refuse(
        static_cast<size_t>(pp::num_microbatches(schedule)),
        num_microbatches,
        "microbatches");
  }
  return schedule;
}

/// How many stages a schedule is to be written for: all, or groups of
/// neighbours where the split has more than ranks and schedule take.
int group_count(
    const ScheduleEntry& entry,
    int num_ranks,
    int num_stages,
    std::optional<int> stages_per_rank) {
  int per_rank = num_stages / num_ranks;  // at least 1: see rank_count
  if (stages_per_rank) {
    per_rank = *stages_per_rank;
  } else if (entry.places_blocks) {
    return num_stages;  // runs neighbours as one by itself
  } else if (entry.fixed_stages_per_rank) {
    per_rank = entry.default_stages_per_rank;
  }
  if (per_rank * num_ranks > num_stages) {
    throw usage_error(
        std::string(entry.name) + " with " +
        counted(per_rank, "stage", "stages") + " on each of " +
        counted(num_ranks, "rank", "ranks") + " needs " +
        counted(per_rank * num_ranks, "stage", "stages") + ", the model is " +
        "split into " + std::to_string(num_stages) + "; start " +
        counted(std::max(1, num_stages / per_rank), "rank", "ranks") +
        " or split into " + std::to_string(per_rank * num_ranks));
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

}  // namespace

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
    // Checked as it was written, before its stages stand for several.
    validate(schedule, num_microbatches, has_backward(schedule));
    schedule = expand_groups(schedule, even_groups(num_stages, num_groups));
  }
  if (!rank_map.empty()) {
    schedule = renumber_ranks(std::move(schedule), rank_map);
  }
  if (forward) {
    // Its forwards must be a schedule; what runs is a stream on its placement.
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
