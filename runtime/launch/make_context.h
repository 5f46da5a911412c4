#pragma once

#include "runtime/launch/launch.h"
#include "runtime/rank/first_cause.h"

namespace pp {

/// Makes a rank's context, except for the fields that depend on the launcher:
/// local_rank, launcher, store and report_failure. `first`, `transport` and
/// `activity` must outlive the context.
RankContext make_context(
    const LaunchOptions& options,
    FirstCause& first,
    Transport& transport,
    Activity& activity);

}  // namespace pp
