#pragma once

#include "runtime/launch/job_board.h"
#include "runtime/launch/job_store.h"
#include "runtime/launch/launch.h"
#include "runtime/rank/first_cause.h"

namespace pp {

/// Waits until all ranks of the job have joined. The first rank that waits
/// reports, once each, which ranks are missing after a while, and for which
/// missing rank a process was refused because it had another secret.
/// throws  Error(Runtime): a rank is missing after options.join_timeout;
///         JobFailed: another rank failed
void wait_for_ranks(
    const EnvRanks& ranks,
    const LaunchOptions& options,
    JobStore& store,
    JobBoard& board,
    const FirstCause& first);

}  // namespace pp
