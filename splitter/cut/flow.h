#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/cut/alias_sets.h"

namespace pp {

/// Which node defines each value of a graph, and which nodes need it. Every
/// decision about cuts uses this. Positions are node indices; `end` is one past
/// the last. The graph must outlive the flow.
struct Flow {
  const ir::Graph* graph = nullptr;
  int end = 0;
  std::vector<int> made_at;   ///< node of each value; -1: an input or state
  std::vector<int> input_of;  ///< model input of each value, or -1
  std::vector<int> state_of;  ///< state of each value, or -1
  AliasSets aliases;

  /// Per node: whether a stage that needs its results runs the node itself
  /// instead of receiving them. Such free nodes are cheap, read only user
  /// inputs, buffers and constants, and depend on nothing random or written; or
  /// they only pack values into a container.
  std::vector<bool> is_free;
  /// Per node: names of the inputs and buffers that a free node starts from.
  std::vector<std::string> free_sources;

  /// Per value: the last node that needs it, either itself or through free
  /// nodes, which later stages run again; -1: none.
  std::vector<int> needed_until;
  std::vector<bool> is_output;  ///< per value: the model returns it

  const ir::Value& value(ir::ValueId id) const { return graph->values[id]; }
  /// Whether anything at or after `position` needs the value.
  bool is_needed_from(ir::ValueId id, int position) const {
    return is_output[id] || needed_until[id] >= position;
  }
  /// Whether a free node makes the value.
  bool is_made_freely(ir::ValueId id) const {
    return made_at[id] >= 0 && is_free[made_at[id]];
  }
  /// Whether a stage that starts at `position` reads the value, a user input,
  /// from the data, because nothing has written to it before.
  bool is_user_input_at(ir::ValueId id, int position) const;
  /// Whether a stage that starts at `position` receives only the root of this
  /// set and recomputes the views of it. That is so while later nodes still
  /// write to the set.
  bool enters_as_root(const AliasSet& set, int position) const;
  /// Sorts values by the node that makes them.
  void sort_by_origin(std::vector<ir::ValueId>& ids) const;
};

/// rematerialise  false: no node is free, except those that build containers
Flow analyse_flow(const ir::Graph& graph, bool rematerialise = true);

/// The two flows that a split needs, analysed once and passed to everything
/// that chooses cuts or builds stages. The graph must outlive them.
class SplitFlow {
 public:
  /// rematerialise  whether stages run free nodes again
  explicit SplitFlow(const ir::Graph& graph, bool rematerialise = true);

  /// Decides which cuts are legal and what crosses them. Legality is decided as
  /// if stages rematerialised, whether they do or not.
  const Flow& for_cuts() const { return for_cuts_; }
  /// Describes the stages as they are built.
  const Flow& for_stages() const {
    return without_remat_ ? *without_remat_ : for_cuts_;
  }

 private:
  Flow for_cuts_;
  std::optional<Flow> without_remat_;
};

}  // namespace pp
