#pragma once

#include <optional>
#include <string>
#include <vector>

#include "splitter/cut/flow.h"

namespace pp {

/// The consequences of a single cut before node `position`.
struct CutReport {
  int position = 0;
  /// Values that would be sent, ordered by the nodes that make them.
  std::vector<ir::ValueId> crossing;
  /// Why the cut is not legal; nullopt if it is.
  std::optional<std::string> refusal;
};

/// Walks over the positions of a graph in ascending order and keeps the set of
/// values that are alive. The time for the whole walk is nearly linear in the
/// number of nodes and of values that cross.
class CutSweep {
 public:
  explicit CutSweep(const Flow& flow);

  /// Reports on the cut before node `position`. Positions must ascend from call
  /// to call.
  CutReport at(int position);

 private:
  void advance(int position);
  void activate(ir::ValueId id);
  std::optional<std::string> try_refuse_owned_state(int position) const;

  const Flow* flow_;
  int next_ = 0;  // the first node that the walk has not passed
  // Values made before node next_ and needed later.
  std::vector<ir::ValueId> active_;
  // For each position: index of the alias set of a state that is read or
  // written before the position and written at or after it; -1 if there is no
  // such state.
  std::vector<int> owned_;
  // For each node: the states that the node is the last to write, and the user
  // inputs that it is the first to write. After the node, these values cross
  // cuts like any other value.
  std::vector<std::vector<ir::ValueId>> settled_by_;
};

}  // namespace pp
