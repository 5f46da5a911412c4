#pragma once

#include <span>

#include "runtime/schedule/schedule.h"

namespace pp {

/// The same schedule with its ranks numbered otherwise: stage s is on rank
/// `rank_map[s]`.
///
/// throws Error(Usage): as many entries as there are stages it has not, or it
///        is no renumbering: it parts stages that share a rank, joins stages
///        that do not, or leaves a rank out
Schedule renumber_ranks(Schedule schedule, std::span<const int> rank_map);

}  // namespace pp
