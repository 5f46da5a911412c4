#pragma once

#include <cstdint>

#include "loader/ir/input_hints.h"
#include "runtime/job/job.h"

namespace pp {

/// Returns the types and sizes of a microbatch's data by input, for models that
/// don't declare their inputs.
///
/// num_rows  number of rows of a microbatch
/// throws    Error(Input): a file can't be read
InputHints examples_of(const DataConfig& data, int64_t num_rows);

}  // namespace pp
