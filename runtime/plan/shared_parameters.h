#pragma once

#include <string>
#include <vector>

#include "runtime/plan/pipeline_source.h"

namespace pp {

/// Checks that parameters that share memory (ir::State::memory) can be trained.
///
/// freeze  patterns of `train.freeze`
/// shards  whether replicas update shares of every parameter
/// throws  Error(Usage) naming two parameters: they have different types, or
///         their shares would be different parts of the memory
void check_shared_parameters(
    const PipelineSource& source,
    const std::vector<std::string>& freeze,
    bool shards);

}  // namespace pp
