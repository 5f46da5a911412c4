#pragma once

#include <optional>
#include <span>
#include <string>

#include "runtime/job/job.h"
#include "runtime/schedule/schedule.h"

namespace pp {

/// Makes the lowered schedule of a pipeline, from the schedule's name or its
/// file. If the pipeline has more stages than fit the ranks and the schedule,
/// neighbouring stages run as one.
///
/// forward_only     use forward_stream on the placement of that schedule
/// stages_per_rank  nullopt: the schedule's own, or all if it has no fixed
///                  number
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

/// Explains that a named schedule has no advantage with so few stages, and what
/// to change; empty if it has one, or if the job asks for what it gets.
///
/// were_started  whether another launcher decided the number of ranks
std::string schedule_misfit(
    const PipelineConfig& pipeline,
    int num_ranks,
    int num_stages,
    bool were_started);

}  // namespace pp
