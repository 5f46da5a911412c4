#pragma once

#include <optional>
#include <span>
#include <string>

#include "runtime/schedule/schedule.h"

namespace pp {

/// The lowered schedule of that name, or of a file, for a pipeline. Where the
/// pipeline has more stages than ranks and schedule take, neighbours run as
/// one.
///
/// forward_only     forward_stream on the placement of that schedule
/// stages_per_rank  none: the schedule's own; as many as there are, where it
///                  takes any number
/// rank_map         by stage; empty: the schedule's own
/// throws           Error(Usage): too few stages for the ranks
Schedule plan_schedule(
    const std::string& name,
    int num_ranks,
    int num_stages,
    int num_microbatches,
    bool forward_only,
    std::optional<int> stages_per_rank = {},
    std::span<const int> rank_map = {});

}  // namespace pp
