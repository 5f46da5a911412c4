#pragma once

#include <optional>
#include <string>

#include "runtime/job/job.h"

namespace pp {

/// Whether a schedule is a file rather than a name.
bool is_schedule_file(const std::string& schedule);

/// The number of ranks if the job names none. Each rank gets the schedule's own
/// number of stages if that divides the stages, otherwise one stage. For a
/// file, it is the number of rows.
/// throws Error(Input): the file can't be read
int default_ranks(const std::string& schedule, int num_stages);

/// The number of ranks of one pipeline.
///
/// world   number of ranks that another launcher started; none: the job decides
/// throws  Error(Usage): `ranks`, `stages_per_rank`, the stages and `world`
///         don't fit together; the message says what would
int rank_count(
    const PipelineConfig& pipeline, int num_stages, std::optional<int> world);

}  // namespace pp
