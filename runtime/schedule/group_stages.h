#pragma once

#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// Divides the stages into `num_groups` groups of neighbours, as evenly as
/// possible. Returns the number of stages of each group; larger groups come
/// first.
///
/// num_groups  at least 1, at most num_stages
std::vector<int> even_groups(int num_stages, int num_groups);

/// Converts a schedule of groups of stages to a schedule of the stages: a rank
/// runs the stages of a group as if they were one. So a model that is split
/// into many stages can run on few ranks without being split again.
///
/// grouped  the schedule of groups, compute-only or lowered; its stage g stands
///          for group g
/// sizes    the number of stages of each group, in order
Schedule expand_groups(const Schedule& grouped, const std::vector<int>& sizes);

}  // namespace pp
