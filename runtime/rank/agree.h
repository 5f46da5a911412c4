#pragma once

#include <map>
#include <string>

#include "runtime/rank/rank_context.h"

namespace pp {

/// The settings that ranks must have in common, by name: "train.steps": "10".
using Agreement = std::map<std::string, std::string>;

/// Compares `own` with rank 0's, which rank 0 publishes in the store.
///
/// key     names this comparison: "plan"
/// throws  Error(Usage) on each rank that differs, with the first difference;
///         Error(Runtime): rank 0 publishes nothing within stall_timeout
void agree(RankContext& context, const std::string& key, const Agreement& own);

}  // namespace pp
