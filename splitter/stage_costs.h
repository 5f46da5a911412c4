#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "splitter/cut.h"
#include "splitter/flow.h"
#include "splitter/node_costs.h"
#include "splitter/split_spec.h"

namespace pp {

/// What each run of nodes between two places would cost as a stage. A node
/// counts in the stage it lies in, one that is made again in every stage that
/// needs it; a parameter or buffer in every stage that reads it.
class StageCosts {
 public:
  static constexpr uint64_t kImpossible = std::numeric_limits<uint64_t>::max();

  /// places  ascending; stages lie between bounds: 0, each place, the end
  /// memory  a stage that would hold more costs kImpossible
  StageCosts(
      const Flow& flow,
      const std::vector<Cut>& places,
      Balance balance,
      const NodeCosts* costs,
      std::optional<uint64_t> memory);

  size_t num_bounds() const { return bounds_.size(); }

  /// row[j - i - 1]: of the stage between bounds i and j; kImpossible where
  /// nothing would run in it. Valid until the next call.
  const std::vector<uint64_t>& row(size_t i);

 private:
  /// What a node or a state adds to the weight, and to the memory held.
  struct Share {
    uint64_t weight = 0;
    uint64_t memory = 0;
  };
  void weigh_nodes(Balance balance, const NodeCosts* costs);
  void weigh_states(Balance balance);
  void enter(int node, size_t stamp, Share& sum);

  const Flow& flow_;
  std::optional<uint64_t> memory_;
  std::vector<int> bounds_;
  std::vector<uint64_t> passing_;  // by bound: weight of what crosses it
  std::vector<Share> nodes_;
  std::vector<Share> states_;
  std::vector<bool> works_;  // by node: a stage of it alone is not empty
  std::vector<std::vector<ir::ValueId>> reads_;  // by node
  std::vector<size_t> node_seen_;
  std::vector<size_t> state_seen_;
  std::vector<uint64_t> row_;
};

}  // namespace pp
