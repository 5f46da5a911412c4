#pragma once

#include <vector>

#include "loader/ir/graph.h"

namespace pp {

/// A set of values that share memory according to the operators' schemas.
struct AliasSet {
  std::vector<ir::ValueId> members;
  /// The member from which all other members are made; kNoValue if there is no
  /// such member.
  ir::ValueId root = ir::kNoValue;
  std::vector<int> writes;  ///< nodes that write a member in place, ascending
  bool has_state = false;   ///< a member is a parameter, buffer or constant
  /// The first node that reads a member; if none does, the graph's node count.
  int first_touch = 0;

  bool is_written() const { return !writes.empty(); }
  /// Whether the set contains a state and a node writes to a member. Such a
  /// state has one owner, the stage that writes it.
  bool is_written_state() const { return has_state && is_written(); }
};

/// How one member of an alias set is made from another.
struct AliasStep {
  /// The node that makes the member; -1 if the member aliases no operand.
  int node = -1;
  /// The operand whose memory the member shares; kNoValue if it shares the
  /// memory of none or of several.
  ir::ValueId from = ir::kNoValue;
  bool same = false;  ///< whether the member is `from` itself, written in place
};

struct AliasSets {
  std::vector<AliasSet> sets;
  std::vector<int> set_of;       ///< for each value: index of its set in `sets`
  std::vector<AliasStep> steps;  ///< for each value: how it is made

  const AliasSet& of(ir::ValueId id) const { return sets[set_of[id]]; }
  /// Whether `member` can be recomputed from a copy of its set's root if the
  /// copy is made before node `position`. False if there is no root, or if a
  /// node between root and member draws random numbers or writes data. Also
  /// false if one of these nodes may return either a view or a copy (reshape)
  /// and another node writes the set between that node and `position`.
  bool can_replay(
      const ir::Graph& graph, ir::ValueId member, int position) const;
};

/// Finds the alias sets of a graph. A mutated buffer counts as written at the
/// node that computes its new value.
/// made_at  for each value, the node that defines it, or -1
///          (Definitions::made_at)
AliasSets find_alias_sets(
    const ir::Graph& graph, const std::vector<int>& made_at);

}  // namespace pp
