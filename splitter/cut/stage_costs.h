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

/// The costs of every stage that could be formed from the nodes between two
/// places. A node counts in the stage that contains it; a free node counts in
/// every stage that needs its results; a parameter or buffer counts in every
/// stage that reads it.
class StageCosts {
 public:
  static constexpr uint64_t kImpossible = std::numeric_limits<uint64_t>::max();

  /// places  candidate cuts, ascending. A stage begins and ends at one of them,
  ///         at position 0 or at the end of the graph.
  /// costs   required if the balance uses measured times; otherwise may be null
  /// memory  largest number of bytes that a stage may hold; nullopt: no limit
  StageCosts(
      const Flow& flow,
      const std::vector<Cut>& places,
      Balance balance,
      const NodeCosts* costs,
      std::optional<uint64_t> memory);

  size_t num_bounds() const { return bounds_.size(); }

  /// Returns a row in which row[j - i - 1] is the cost of the stage between
  /// bounds i and j. The cost is kImpossible if the stage would run nothing or
  /// hold too many bytes. The row is valid until the next call.
  const std::vector<uint64_t>& row(size_t i);

 private:
  /// The weight of a node, a state or a stage, and the bytes that it holds.
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
  // For each bound: cost of sending the values that cross it.
  std::vector<uint64_t> passing_;
  std::vector<Load> nodes_;
  std::vector<Load> states_;
  // For each node: whether a stage of only this node would have work to do.
  std::vector<bool> works_;
  // For each node: the values that it reads.
  std::vector<std::vector<ir::ValueId>> reads_;
  // For each node: the last row that counted it.
  std::vector<size_t> node_stamps_;
  // For each state: the last row that counted it.
  std::vector<size_t> state_stamps_;
  std::vector<uint64_t> row_;
};

}  // namespace pp
