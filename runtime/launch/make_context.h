#pragma once

#include "runtime/launch/launch.h"
#include "runtime/rank/first_cause.h"

namespace pp {

/// The context of a rank, except for what depends on the launcher: local_rank,
/// launcher, store and report_failure. The arguments must outlive it.
RankContext make_context(
    const LaunchOptions& options,
    FirstCause& first,
    Transport& transport,
    Activity& activity);

}  // namespace pp
