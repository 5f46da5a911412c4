#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "splitter/cut/cut.h"
#include "splitter/cut/flow.h"
#include "splitter/cut/node_costs.h"
#include "splitter/cut/split_spec.h"

namespace pp {

/// Costs of every stage that could be formed from the nodes between two places.
/// A node counts in the stage that it lies in; a free node counts in every
/// stage that needs its results; a parameter or buffer in every stage that
/// reads it.
class StageCosts {
 public:
  static constexpr uint64_t kImpossible = std::numeric_limits<uint64_t>::max();

  /// places  ascending; stages lie between bounds: 0, each place, the end
  /// costs   needed if the balance is measured
  /// memory  largest number of bytes that a stage may hold
  StageCosts(
      const Flow& flow,
      const std::vector<Cut>& places,
      Balance balance,
      const NodeCosts* costs,
      std::optional<uint64_t> memory);

  size_t num_bounds() const { return bounds_.size(); }

  /// row[j - i - 1] is the cost of the stage between bounds i and j. It is
  /// kImpossible where nothing would run in the stage, or where it would hold
  /// too much. The row is valid until the next call.
  const std::vector<uint64_t>& row(size_t i);

 private:
  /// Weight of a node, a state or a stage, and the bytes that it holds.
  struct Load {
    uint64_t weight = 0;
    uint64_t bytes = 0;
  };
  void weigh_nodes(const BalanceRow& balance, const NodeCosts* costs);
  void weigh_states(const BalanceRow& balance);
  void add_node(int node, size_t stamp, Load& sum);

  const Flow& flow_;
  std::optional<uint64_t> memory_;
  std::vector<int> bounds_;
  std::vector<uint64_t> passing_;  // by bound: weight of what crosses it
  std::vector<Load> nodes_;
  std::vector<Load> states_;
  std::vector<bool> works_;  // by node: a stage of it alone is not empty
  std::vector<std::vector<ir::ValueId>> reads_;  // by node
  std::vector<size_t> node_stamps_;              // row that last added the node
  std::vector<size_t> state_stamps_;  // row that last added the state
  std::vector<uint64_t> row_;
};

}  // namespace pp
