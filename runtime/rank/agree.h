#pragma once

#include <map>
#include <string>

#include "runtime/rank/rank_context.h"

namespace pp {

/// The settings that must be equal on all ranks, by name: "train.steps": "10".
using Agreement = std::map<std::string, std::string>;

/// Checks that `own` equals rank 0's settings, which rank 0 publishes in the
/// store.
///
/// key     the comparison's name in the store: "plan"
/// throws  Error(Usage) on each rank whose settings differ, with the first
///         difference; Error(Runtime): rank 0 publishes nothing within
///         stall_timeout
void agree(RankContext& context, const std::string& key, const Agreement& own);

}  // namespace pp
