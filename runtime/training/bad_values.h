#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/job/job.h"
#include "runtime/pipeline/step_data.h"

namespace pp {

/// Describes the first NaN, or else the first infinity, in the inputs and
/// targets that a rank reads for an update.
///
/// config      the [data] table, which says along which dimension the rows lie
/// rows        the rows' numbers in the data, in the order of the batch
/// microbatch  the only microbatch to check; -1: all of them
/// returns     "input 'x' holds nan in row 5 of the data"; empty if every value
///             is finite
std::string find_bad_value(
    const StepData& batch,
    const DataConfig& config,
    std::span<const int64_t> rows,
    int microbatch);

}  // namespace pp
