#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/schedule/action.h"

namespace pp {

/// The rank that owns each stage, by stage.
using StageMap = std::vector<int32_t>;

/// The actions of all ranks. Each rank performs its list in order.
struct Schedule {
  StageMap stage_to_rank;
  std::vector<std::vector<Action>> ranks;
};

/// The sizes from which a schedule is generated.
struct Shape {
  int num_ranks = 1;
  int num_stages = 1;
  int num_microbatches = 1;
};

/// One row of the table of schedules.
struct ScheduleEntry {
  std::string_view name;  ///< "1F1B", as torch writes it
  std::string_view summary;
  int default_stages_per_rank = 1;
  /// Whether neighbouring stages share a rank and run as one, so that any
  /// number of stages per rank is possible.
  bool places_blocks = false;
  /// Whether default_stages_per_rank is the only possible number.
  bool fixed_stages_per_rank = false;
  /// Makes the schedule for some sizes. A pure function, whose result has only
  /// compute actions (F, B, I, W).
  /// throws  Error(Usage) with the nearest valid sizes: these sizes are not
  ///         possible
  Schedule (*generate)(const Shape& shape);
};

/// Returns all schedules, in the order in which `pp schedule --list` prints
/// them.
std::span<const ScheduleEntry> all_schedules();

/// Finds a schedule by name, ignoring case.
/// throws  Error(Usage) with the nearest names: there is no such schedule
const ScheduleEntry& find_schedule(std::string_view name);

/// Returns the number of microbatches: the largest microbatch index plus 1; 0
/// if no action has a microbatch.
int num_microbatches(const Schedule& schedule);

/// Returns the total number of actions of all ranks.
int64_t num_actions(const Schedule& schedule);

/// Returns the position after the overlapped pair that begins at position
/// `first`, or after the action at `first` if it overlaps no other.
size_t pair_end(const std::vector<Action>& program, size_t first);

/// Returns the stages of each rank, in ascending order.
std::vector<std::vector<int>> stages_by_rank(const StageMap& stage_to_rank);

/// Whether the schedule has backwards, which means that it trains.
bool has_backward(const Schedule& schedule);

/// Whether the schedule is ready for the executor, which means that it has
/// actions other than F, B, I and W.
bool is_lowered(const Schedule& schedule);

/// Returns only the forwards of a schedule, in the schedule's order, for
/// inference and evaluation.
Schedule forward_only(Schedule schedule);

}  // namespace pp
