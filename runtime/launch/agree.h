#pragma once

#include <map>
#include <string>

#include "runtime/launch/rank_context.h"

namespace pp {

/// What ranks compare, by name: "train.steps" to "10".
using Agreement = std::map<std::string, std::string>;

/// Publishes what rank 0 has, and fails on every rank that has something else,
/// naming the first difference.
///
/// key     of this comparison in the store
/// throws  Error(Usage)
void agree(RankContext& context, const std::string& key, const Agreement& mine);

}  // namespace pp
