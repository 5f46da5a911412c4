#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/schedule/action.h"

namespace pp {

/// stage_to_rank[s] is the rank that owns stage s.
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
  /// Neighbouring stages share a rank and run as one, so that any number of
  /// stages per rank is possible.
  bool places_blocks = false;
  /// No other number of stages per rank is possible.
  bool fixed_stages_per_rank = false;
  /// A pure function from sizes to compute actions (F, B, I, W only).
  /// throws Error(Usage) with the nearest valid sizes, if these are not
  ///        possible
  Schedule (*generate)(const Shape& shape);
};

/// All schedules, in the order in which `pp schedule --list` prints them.
std::span<const ScheduleEntry> all_schedules();

/// Finds a schedule by name, ignoring case.
/// throws Error(Usage) with the nearest names
const ScheduleEntry& find_schedule(std::string_view name);

/// The largest microbatch plus 1; 0 if there is none.
int num_microbatches(const Schedule& schedule);

/// The number of actions of all ranks.
int64_t num_actions(const Schedule& schedule);

/// The position after the overlapped pair that begins at `first`, or after the
/// action there if it overlaps nothing.
size_t pair_end(const std::vector<Action>& program, size_t first);

/// The stages of each rank, ascending.
std::vector<std::vector<int>> stages_by_rank(const StageMap& stage_to_rank);

/// Whether it has backwards, that is, trains.
bool has_backward(const Schedule& schedule);

/// Whether it is ready for the executor: it has other actions than F, B, I and
/// W.
bool is_lowered(const Schedule& schedule);

/// Returns only the forwards of a schedule, in its order, for inference and
/// evaluation.
Schedule forward_only(Schedule schedule);

}  // namespace pp
