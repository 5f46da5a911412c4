#pragma once

#include <cstdint>

#include "loader/ir/input_hints.h"
#include "runtime/job/job.h"

namespace pp {

/// What the data are like, by input: for models that do not say what they take.
///
/// num_rows  of a microbatch
/// throws    Error(Input): unreadable files
InputHints examples_of(const DataConfig& data, int64_t num_rows);

}  // namespace pp
