#pragma once

#include <vector>

#include "loader/ir/graph.h"

namespace pp {

/// Values that share memory, by the operators' schemas.
struct AliasSet {
  std::vector<ir::ValueId> members;
  /// The member that all others are made from, or kNoValue if that is not one.
  ir::ValueId root = ir::kNoValue;
  std::vector<int> writes;  ///< nodes that write a member in place, ascending
  bool has_state = false;   ///< the root is a parameter, buffer or constant
  int first_touch = 0;      ///< first node that reads a member

  bool is_written() const { return !writes.empty(); }
  /// A written state: it has one owner, the stage that writes it.
  bool is_written_state() const { return has_state && is_written(); }
};

/// How a member comes from another one.
struct AliasStep {
  int node = -1;                    ///< that makes it; -1: not from one
  ir::ValueId from = ir::kNoValue;  ///< the operand it shares memory with
  bool same = false;                ///< it is `from`, written in place
};

struct AliasSets {
  std::vector<AliasSet> sets;
  std::vector<int> set_of;       ///< by value; every value is in one
  std::vector<AliasStep> steps;  ///< by value

  const AliasSet& of(ir::ValueId id) const { return sets[set_of[id]]; }
  /// The nodes between `member` and its set's root, last first, or nothing if
  /// they can't be run again on a copy of the root made before node
  /// `position`: an operator that may view or copy, with a write in between.
  bool can_replay(
      const ir::Graph& graph, ir::ValueId member, int position) const;
};

/// `mutations` count as writes of their buffers where the new value is made.
AliasSets find_alias_sets(const ir::Graph& graph);

}  // namespace pp
