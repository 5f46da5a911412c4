#pragma once

#include <optional>
#include <string>
#include <vector>

#include "splitter/cut/flow.h"

namespace pp {

/// The consequences of a single cut before a node.
struct CutReport {
  int position = 0;
  std::vector<ir::ValueId> crossing;   ///< ordered by the nodes that make them
  std::optional<std::string> refusal;  ///< why the cut can't be made
};

/// Walks over the positions of a graph in order and keeps the set of values
/// that are alive. The time for the whole walk is nearly linear in the number
/// of nodes and of values that cross.
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
  int next_ = 0;                     // first node not yet walked over
  std::vector<ir::ValueId> active_;  // made already and needed later
  std::vector<int> owned_;  // by position: set of a state written there, or -1
  // For each node, the inputs and states that it is the last to change. After
  // it, they cross cuts like any other value.
  std::vector<std::vector<ir::ValueId>> settled_by_;
};

}  // namespace pp
