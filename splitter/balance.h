#pragma once

#include <vector>

#include "splitter/cut.h"
#include "splitter/split_spec.h"

namespace pp {

/// Chooses cuts so that the heaviest stage is as light as can be, over all
/// legal cuts; among such choices, the one with the most cuts at module
/// boundaries, and of those the one that sends the fewest bytes. Exact, by
/// dynamic programming.
///
/// params  elements of the parameters a stage reads (a tied one in each stage)
/// flops   by formula, at the sizes of the export
/// memory  bytes: four times the parameters (weight, gradient, two moments of
///         the optimizer), buffers, and what the stage's nodes put out
/// time    measured: its nodes, and the bytes it receives and sends
///
/// throws  Error(Usage): fewer places than stages, `time` without costs, or no
///         choice within spec.memory
std::vector<Cut> balance_cuts(const ir::Graph& graph, const SplitSpec& spec);

/// The same over these legal cuts alone.
std::vector<Cut> balance_cuts(
    const ir::Graph& graph,
    const SplitSpec& spec,
    const std::vector<Cut>& places);

/// What each stage between these cuts costs, in the measure of spec.balance
/// (time: nanoseconds).
std::vector<uint64_t> predict_costs(
    const ir::Graph& graph,
    const SplitSpec& spec,
    const std::vector<Cut>& cuts);

}  // namespace pp
