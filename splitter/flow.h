#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/alias_sets.h"

namespace pp {

/// Who defines and who needs each value of a graph: what every question about
/// cuts is answered from. Positions are node indices; `end` is one past the
/// last. The graph must outlive it.
struct Flow {
  const ir::Graph* graph = nullptr;
  int end = 0;
  /// The first stage that reads a parameter holds it; others receive it.
  bool transmit = false;
  std::vector<int> made_at;   ///< by value: its node, -1 for inputs and states
  std::vector<int> input_of;  ///< by value: the model input, or -1
  std::vector<int> state_of;  ///< by value: the state, or -1
  AliasSets aliases;

  /// By node: a stage that needs its results makes them itself instead of
  /// receiving them. Made of user inputs, buffers and constants alone, cheap,
  /// nothing random or written on the way; or a mere container of values.
  std::vector<bool> is_free;
  std::vector<std::string> why_free;  ///< by node: what it is made of

  /// By value: the last node that needs it, itself or through nodes that are
  /// made again; -1: none.
  std::vector<int> needed_until;
  std::vector<bool> is_output;  ///< by value: the model returns it

  const ir::Value& value(ir::ValueId id) const { return graph->values[id]; }
  /// Whether anything at or after `position` needs the value.
  bool is_needed_from(ir::ValueId id, int position) const {
    return is_output[id] || needed_until[id] >= position;
  }
  bool is_made_freely(ir::ValueId id) const {
    return made_at[id] >= 0 && is_free[made_at[id]];
  }
  /// Whether the value is a user input that a stage which starts at `position`
  /// reads from the data: nothing has written to it before.
  bool is_user_input_at(ir::ValueId id, int position) const;
  /// Whether the value is a state that such a stage holds itself.
  bool is_own_state_at(ir::ValueId id, int position) const;
  /// Whether the values of this set enter such a stage as their root, on which
  /// the views are replayed, because something still writes to it.
  bool enters_as_root(const AliasSet& set, int position) const;
};

struct FlowOptions {
  bool rematerialise = true;
  bool transmit = false;
};

Flow analyse_flow(const ir::Graph& graph, const FlowOptions& options);

}  // namespace pp
