#pragma once

#include <vector>

#include "splitter/cut/cut.h"
#include "splitter/cut/split_spec.h"

namespace pp {

/// Chooses cuts among all legal ones so that the heaviest stage is as light as
/// possible. Ties are broken by, in this order: most cuts at module boundaries,
/// fewest stages of less than half the heaviest weight, fewest bytes sent, most
/// even weights. The result is exact (dynamic programming).
/// kBalances says what a stage weighs; a tied parameter counts in each stage
/// that reads it.
///
/// throws  Error(Usage): fewer places than stages, a measured balance without
///         costs, or no choice within spec.memory
std::vector<Cut> balance_cuts(const SplitFlow& flow, const SplitSpec& spec);

/// Chooses only among the cuts in `places`, which are legal.
/// flow  SplitFlow::for_stages()
std::vector<Cut> balance_cuts(
    const Flow& flow, const SplitSpec& spec, const std::vector<Cut>& places);

/// The weight of each stage between these cuts, in the measure of spec.balance
/// (time: nanoseconds).
/// flow  SplitFlow::for_stages()
std::vector<uint64_t> predict_costs(
    const Flow& flow, const SplitSpec& spec, const std::vector<Cut>& cuts);

}  // namespace pp
