#pragma once

#include <cstdint>

#include "loader/ir/input_hints.h"
#include "runtime/job/job.h"

namespace pp {

/// Returns types and sizes of the data by input, for models that don't declare
/// their inputs.
///
/// num_rows  rows of a microbatch
/// throws    Error(Input): unreadable files
InputHints examples_of(const DataConfig& data, int64_t num_rows);

}  // namespace pp
