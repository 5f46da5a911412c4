#pragma once

#include <vector>

#include "loader/ir/graph.h"

namespace pp {

/// Values that share memory according to the operators' schemas.
struct AliasSet {
  std::vector<ir::ValueId> members;
  /// The member that all others are made from, or kNoValue if there is no
  /// single one.
  ir::ValueId root = ir::kNoValue;
  std::vector<int> writes;  ///< nodes that write a member in place, ascending
  bool has_state = false;   ///< a member is a parameter, buffer or constant
  int first_touch = 0;      ///< first node that reads a member

  bool is_written() const { return !writes.empty(); }
  /// Whether the set is a state that nodes write. Such a state has one owner,
  /// the stage that writes it.
  bool is_written_state() const { return has_state && is_written(); }
};

/// How a member of a set is made from another member.
struct AliasStep {
  int node = -1;  ///< makes it; -1: it shares no operand's memory
  /// The operand it shares memory with; kNoValue: none, or several.
  ir::ValueId from = ir::kNoValue;
  bool same = false;  ///< whether it is `from`, written in place
};

struct AliasSets {
  std::vector<AliasSet> sets;
  std::vector<int> set_of;       ///< index of each value's set
  std::vector<AliasStep> steps;  ///< one per value

  const AliasSet& of(ir::ValueId id) const { return sets[set_of[id]]; }
  /// Whether `member` can be recomputed from a copy of its set's root that was
  /// made before node `position`. It can't if an operator that may view or copy
  /// (reshape) lies between them and the set is written after it.
  bool can_replay(
      const ir::Graph& graph, ir::ValueId member, int position) const;
};

/// Finds the alias sets of a graph. Mutations count as writes of their buffers
/// at the node that makes the new value.
/// made_at  see Definitions
AliasSets find_alias_sets(
    const ir::Graph& graph, const std::vector<int>& made_at);

}  // namespace pp
