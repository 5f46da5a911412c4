#pragma once

#include <vector>

#include "splitter/cut.h"
#include "splitter/split_spec.h"

namespace pp {

/// Chooses cuts at module boundaries so that the heaviest stage is as light as
/// can be; among such choices, the one that sends the fewest bytes. Exact, by
/// dynamic programming.
///
/// params  elements of the parameters a stage reads (a tied one in each stage)
/// flops   by formula, at the sizes of the export
/// memory  bytes: four times the parameters (weight, gradient, two moments of
///         the optimizer), buffers, and what the stage's nodes put out
///
/// throws  Error(Usage): fewer places than stages, `time` (which needs measured
///         costs), or no choice within spec.memory
std::vector<Cut> balance_cuts(const ir::Graph& graph, const SplitSpec& spec);

}  // namespace pp
