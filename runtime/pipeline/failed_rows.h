#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/pipeline/step_data.h"
#include "runtime/rank/failure.h"

namespace pp {

/// Names rows of the data: "row 5", "rows 3, 9", "rows 8 to 63". If there are
/// more than eight that are not consecutive, only the first are named: "rows 9,
/// 0, ... and 56 more".
std::string rows_text(std::span<const int64_t> rows);

/// Returns which rows a microbatch of an update holds.
///
/// batch       all microbatches of the update
/// rows        row numbers of the data, in the order of the batch
/// microbatch  position in the batch
std::span<const int64_t> rows_of_microbatch(
    const StepData& batch, std::span<const int64_t> rows, int microbatch);

/// If an action failed in an operator, adds to the failure which rows of the
/// data its microbatch holds. Other failures are returned unchanged.
///
/// batch, rows, microbatch  as for rows_of_microbatch
ActionFailed with_rows(
    const ActionFailed& failure,
    const StepData& batch,
    std::span<const int64_t> rows,
    int microbatch);

}  // namespace pp
