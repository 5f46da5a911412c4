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
/// forward_only     whether to return the forward_stream() on that schedule's
///                  placement instead of the schedule
/// stages_per_rank  nullopt: the schedule's own number, or the number that uses
///                  all stages if the schedule has no fixed number
/// rank_map         the rank of each stage; empty: the schedule's own placement
/// throws           Error(Usage): there are fewer stages than the ranks need
Schedule plan_schedule(
    const std::string& name,
    int num_ranks,
    int num_stages,
    int num_microbatches,
    bool forward_only,
    std::optional<int> stages_per_rank = {},
    std::span<const int> rank_map = {});

/// Explains why a named schedule has no advantage with so few stages, and what
/// to change. Returns "" if the schedule has its advantage, or if the job
/// explicitly asks for these numbers.
///
/// were_started  whether another launcher decided the number of ranks
std::string schedule_misfit(
    const PipelineConfig& pipeline,
    int num_ranks,
    int num_stages,
    bool were_started);

}  // namespace pp
