#pragma once

#include <cstdint>
#include <span>

#include "runtime/launch/failure.h"
#include "runtime/run/step_data.h"

namespace pp {

/// An action's failure in an operator, with the rows of the data that its
/// microbatch was fed; other failures as they are.
///
/// batch       of the whole update
/// rows        of the data, in the order of the batch
/// microbatch  in the batch
ActionFailed with_rows(
    const ActionFailed& failure,
    const StepData& batch,
    std::span<const int64_t> rows,
    int microbatch);

}  // namespace pp
