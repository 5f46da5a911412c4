#pragma once

#include <string>
#include <vector>

#include "runtime/run/plan.h"

namespace pp {

/// Whether one of a parameter's names matches one of `train.freeze`.
bool is_frozen(
    const std::string& fqn,
    const std::vector<std::string>& aliases,
    const std::vector<std::string>& patterns);

/// throws Error(Usage): a pattern of `train.freeze` that names no parameter,
///        or nothing left to train
void check_freeze(
    const std::vector<std::string>& patterns, const PipelineSource& source);

/// throws Error(Usage): a pattern of `pipeline.recompute` that names no module
void check_recompute(
    const std::vector<std::string>& patterns, const PipelineSource& source);

}  // namespace pp
