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

/// The actions of all ranks, each rank's in the order it does them.
struct Schedule {
  StageMap stage_to_rank;
  std::vector<std::vector<Action>> ranks;
};

/// What a generator is told.
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
  /// Neighbouring stages share a rank and run as one, so any number fits.
  bool places_blocks = false;
  /// It takes no other number of stages per rank.
  bool fixed_stages_per_rank = false;
  /// Pure: sizes in, compute actions out (F, B, I, W only).
  /// throws Error(Usage), with the nearest valid sizes, where it can't be right
  Schedule (*generate)(const Shape& shape);
};

/// All schedules by name, in the order `pp schedule --list` prints.
std::span<const ScheduleEntry> all_schedules();

/// Found without regard to case. throws Error(Usage) with the nearest names
const ScheduleEntry& find_schedule(std::string_view name);

/// One more than the largest microbatch in it; 0 for none.
int num_microbatches(const Schedule& schedule);

/// The number of actions of all ranks.
int64_t num_actions(const Schedule& schedule);

/// Whether it trains: it has backwards.
bool has_backward(const Schedule& schedule);

/// Whether it is for the executor as it is: it has more than F, B, I and W.
bool is_lowered(const Schedule& schedule);

/// The forwards of a schedule alone, in its order: inference and evaluation.
Schedule forward_only(Schedule schedule);

}  // namespace pp
