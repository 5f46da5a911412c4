#pragma once

#include "runtime/job/job.h"

namespace pp {

/// Checks, before anything runs, that the job's output folder and the
/// `checkpoints` folder in it can be created and written to. Creates nothing.
/// throws  Error(Usage) naming the folder and the reason
void check_output_folder(const Job& job);

}  // namespace pp
