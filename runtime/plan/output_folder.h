#pragma once

#include "runtime/job/job.h"

namespace pp {

/// Refuses, before anything runs, an output folder that can't be created or
/// written to, `checkpoints` included. Creates nothing.
/// throws Error(Usage) naming the folder and the reason
void check_output_folder(const Job& job);

}  // namespace pp
