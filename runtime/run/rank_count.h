#pragma once

#include <optional>
#include <string>

#include "runtime/job/job.h"

namespace pp {

/// Whether a schedule is a file rather than a name.
bool is_schedule_file(const std::string& schedule);

/// The ranks a schedule wants where nobody says: as many stages on each as is
/// its own, if the stages divide so, else one on each; of a file, its rows.
/// throws Error(Input): the file
int default_ranks(const std::string& schedule, int num_stages);

/// The ranks of a job.
///
/// world   how many something else started; none: the job decides
/// throws  Error(Usage): `ranks`, `stages_per_rank`, the stages and `world` do
///         not fit together; the message says what would
int rank_count(
    const PipelineConfig& pipeline, int num_stages, std::optional<int> world);

}  // namespace pp
