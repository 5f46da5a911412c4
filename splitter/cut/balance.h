#pragma once

#include <vector>

#include "splitter/cut/cut.h"
#include "splitter/cut/split_spec.h"

namespace pp {

/// Chooses cuts among all legal ones so that the heaviest stage is as light as
/// possible. Ties are broken in this order: most cuts at module boundaries,
/// fewest stages lighter than half the heaviest, fewest bytes sent, most even
/// weights. The result is optimal (dynamic programming). kBalances defines the
/// weight of a stage; a tied parameter counts in every stage that reads it.
///
/// throws  Error(Usage): there are fewer legal cuts than the stages need, a
///         measured balance lacks its costs, or no choice fits in spec.memory
std::vector<Cut> balance_cuts(const SplitFlow& flow, const SplitSpec& spec);

/// Chooses cuts by the same criteria among `places`, which must be legal.
/// flow  SplitFlow::for_stages()
std::vector<Cut> balance_cuts(
    const Flow& flow, const SplitSpec& spec, const std::vector<Cut>& places);

/// Returns the weight of each stage between `cuts`, in the unit of spec.balance
/// (time: nanoseconds).
/// flow  SplitFlow::for_stages()
std::vector<uint64_t> predict_costs(
    const Flow& flow, const SplitSpec& spec, const std::vector<Cut>& cuts);

}  // namespace pp
