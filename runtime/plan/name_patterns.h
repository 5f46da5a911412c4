#pragma once

#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace pp {

/// Whether one of a parameter's names matches one of the patterns.
bool has_match(
    const std::string& fqn,
    const std::vector<std::string>& aliases,
    const std::vector<std::string>& patterns);

/// Checks the patterns of `train.freeze`.
/// throws Error(Usage): one matches no parameter, or nothing is left to train
void check_freeze(
    const std::vector<std::string>& patterns, const PipelineSource& source);

/// Checks the patterns of `train.groups`.
/// throws Error(Usage): one matches no parameter
void check_groups(
    const std::vector<OptimizerGroup>& groups, const PipelineSource& source);

/// Checks the patterns of `pipeline.recompute`.
/// throws Error(Usage): one matches no module
void check_recompute(
    const std::vector<std::string>& patterns, const PipelineSource& source);

}  // namespace pp
