#pragma once

#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// Divides the stages into `num_groups` runs of neighbours, as evenly as
/// possible, and returns the size of each. Larger groups come first.
///
/// num_groups  in [1, num_stages]
std::vector<int> even_groups(int num_stages, int num_groups);

/// Turns a schedule of groups of stages into a schedule of the stages: a rank
/// runs the stages of a group as if they were one. So a model that is split
/// into many stages runs on few ranks without being split again.
///
/// grouped  compute actions only, or lowered; its stage g stands for group g
/// sizes    number of stages of each group, in order
Schedule expand_groups(const Schedule& grouped, const std::vector<int>& sizes);

}  // namespace pp
