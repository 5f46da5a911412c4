#pragma once

#include <optional>
#include <string>

#include "runtime/job/job.h"

namespace pp {

/// Whether `schedule` is the path of a file rather than the name of a schedule.
bool is_schedule_file(const std::string& schedule);

/// Returns the number of ranks of a job that doesn't set it. Each rank gets the
/// schedule's own number of stages if `num_stages` is a multiple of that
/// number, otherwise one stage. If the schedule is a file, the number of ranks
/// is the number of its rows.
/// throws  Error(Input): the file can't be read
int default_ranks(const std::string& schedule, int num_stages);

/// Returns the number of ranks of one pipeline.
///
/// world   number of ranks that another launcher started; nullopt: the job
///         decides how many there are
/// throws  Error(Usage): `ranks`, `stages_per_rank`, the number of stages and
///         `world` don't fit together; the message says which numbers would fit
int rank_count(
    const PipelineConfig& pipeline, int num_stages, std::optional<int> world);

}  // namespace pp
