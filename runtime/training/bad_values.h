#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/job/job.h"
#include "runtime/pipeline/step_data.h"

namespace pp {

/// Looks for NaN, or else for infinities, in what a rank reads of an update.
///
/// config      [data], which says along which dimension the rows lie
/// rows        row numbers of the data, in the order of the batch
/// microbatch  the only one to check; -1: all
/// returns     "input 'x' holds nan in row 5 of the data"; empty: all is finite
std::string find_bad_value(
    const StepData& batch,
    const DataConfig& config,
    std::span<const int64_t> rows,
    int microbatch);

}  // namespace pp
