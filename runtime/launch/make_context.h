#pragma once

#include "runtime/launch/launch.h"
#include "runtime/rank/first_cause.h"

namespace pp {

/// Makes a rank's context without the fields that depend on the launcher:
/// local_rank, launcher, store and report_failure. The arguments must outlive
/// it.
RankContext make_context(
    const LaunchOptions& options,
    FirstCause& first,
    Transport& transport,
    Activity& activity);

}  // namespace pp
