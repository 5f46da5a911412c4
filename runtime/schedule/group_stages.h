#pragma once

#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// Sizes of `num_groups` runs of neighbouring stages, as even as can be; the
/// first ones have one more.
/// num_groups  in [1, num_stages]
std::vector<int> even_groups(int num_stages, int num_groups);

/// A schedule of groups, written for one stage each, as one of the stages
/// themselves: a rank runs the neighbours of a group as if they were one
/// stage. So a split of many stages runs on few ranks without a new split.
///
/// grouped  compute actions, or lowered; its stage g is group g
/// sizes    stages of each group, in order
Schedule expand_groups(const Schedule& grouped, const std::vector<int>& sizes);

}  // namespace pp
