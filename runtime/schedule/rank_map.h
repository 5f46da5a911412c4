#pragma once

#include <span>

#include "runtime/schedule/schedule.h"

namespace pp {

/// Renumbers the ranks of a schedule so that stage s is on rank `rank_map[s]`.
///
/// throws  Error(Usage): the map doesn't have one entry per stage, or is not a
///         renumbering: it separates stages that share a rank, joins stages
///         that don't, or leaves a rank out
Schedule renumber_ranks(Schedule schedule, std::span<const int> rank_map);

}  // namespace pp
