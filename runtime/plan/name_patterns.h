#pragma once

#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace pp {

/// Whether the parameter's FQN or one of its aliases matches one of the
/// patterns.
bool has_match(
    const std::string& fqn,
    const std::vector<std::string>& aliases,
    const std::vector<std::string>& patterns);

/// Checks the patterns of `train.freeze`.
/// throws  Error(Usage): a pattern matches no parameter, or no parameter
///         remains to be trained
void check_freeze(
    const std::vector<std::string>& patterns, const PipelineSource& source);

/// Checks the patterns of `train.groups`.
/// throws  Error(Usage): a pattern matches no parameter
void check_groups(
    const std::vector<OptimizerGroup>& groups, const PipelineSource& source);

/// Checks the patterns of `pipeline.recompute`.
/// throws  Error(Usage): a pattern matches no module
void check_recompute(
    const std::vector<std::string>& patterns, const PipelineSource& source);

}  // namespace pp
