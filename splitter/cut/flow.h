#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/cut/alias_sets.h"

namespace pp {

/// The definitions and uses of each value of a graph, on which every decision
/// about cuts is based. A position is the index of a node; `end` is one past
/// the last. The graph must outlive the flow.
struct Flow {
  const ir::Graph* graph = nullptr;
  int end = 0;
  /// Node that makes each value; -1: an input or state.
  std::vector<int> made_at;
  std::vector<int> input_of;  ///< model input that each value is, or -1
  std::vector<int> state_of;  ///< state that each value is, or -1
  AliasSets aliases;

  /// Per node: whether the node is free. A stage that needs the results of a
  /// free node runs the node itself instead of receiving them. Free nodes are
  /// cheap, read only user inputs, buffers and constants, and depend on nothing
  /// that is random or written; nodes that only pack values into a container
  /// are free, too.
  std::vector<bool> is_free;
  /// Per free node, for notes to the user: what its results are computed from,
  /// either the names of inputs and buffers, or "sizes" or "constants". Empty
  /// for all other nodes.
  std::vector<std::string> free_sources;

  /// Per value: the last node that reads the value, either directly or through
  /// free nodes, which later stages run again; -1: none.
  std::vector<int> needed_until;
  /// Per value: whether the model returns the value, or a result that free
  /// nodes compute from the value.
  std::vector<bool> is_output;

  const ir::Value& value(ir::ValueId id) const { return graph->values[id]; }
  /// Whether a node at or after `position`, or an output of the model, needs
  /// the value.
  bool is_needed_from(ir::ValueId id, int position) const {
    return is_output[id] || needed_until[id] >= position;
  }
  /// Whether the value is the result of a free node.
  bool is_made_freely(ir::ValueId id) const {
    return made_at[id] >= 0 && is_free[made_at[id]];
  }
  /// Whether a stage that starts at node `position` reads the value from the
  /// data. True for a user input to which no earlier node has written.
  bool is_user_input_at(ir::ValueId id, int position) const;
  /// Whether a stage that starts at node `position` receives only the root of
  /// `set` and recomputes the other members as views of the root. True only if
  /// a node at or after `position` writes to the set.
  bool enters_as_root(const AliasSet& set, int position) const;
  /// Sorts values by the node that makes them; inputs and states come first.
  void sort_by_origin(std::vector<ir::ValueId>& ids) const;
};

/// Computes the flow of a graph, which must outlive the result.
/// rematerialise  false: only nodes that build containers are free
Flow analyse_flow(const ir::Graph& graph, bool rematerialise = true);

/// The two flows that a split needs, computed once and passed to all code that
/// chooses cuts or builds stages. The graph must outlive them.
class SplitFlow {
 public:
  /// rematerialise  whether stages run free nodes again
  explicit SplitFlow(const ir::Graph& graph, bool rematerialise = true);

  /// The flow that decides which cuts are legal and which values cross them.
  /// Free nodes count as recomputed here, even if the stages don't recompute
  /// them.
  const Flow& for_cuts() const { return for_cuts_; }
  /// The flow that describes the stages as they are built.
  const Flow& for_stages() const {
    return without_remat_ ? *without_remat_ : for_cuts_;
  }

 private:
  Flow for_cuts_;
  std::optional<Flow> without_remat_;
};

}  // namespace pp
