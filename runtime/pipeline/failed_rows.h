#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/pipeline/step_data.h"
#include "runtime/rank/failure.h"

namespace pp {

/// Returns a text that names rows of the data: "row 5", "rows 3, 9", "rows 8 to
/// 63". If there are more than eight rows and they aren't consecutive, names
/// only the first eight: "rows 9, 0, ... and 56 more".
std::string rows_text(std::span<const int64_t> rows);

/// Returns the row numbers that one microbatch of an update holds.
///
/// batch       all microbatches of the update
/// rows        the rows' numbers in the data, in the order of the batch
/// microbatch  the microbatch's position in the batch
std::span<const int64_t> rows_of_microbatch(
    const StepData& batch, std::span<const int64_t> rows, int microbatch);

/// If an operator failed, returns `failure` with a message that also says
/// which rows of the data the microbatch holds. Returns any other failure
/// unchanged.
///
/// batch, rows, microbatch  as for rows_of_microbatch
ActionFailed with_rows(
    const ActionFailed& failure,
    const StepData& batch,
    std::span<const int64_t> rows,
    int microbatch);

}  // namespace pp
