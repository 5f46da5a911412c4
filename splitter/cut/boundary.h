#pragma once

#include <map>
#include <set>
#include <vector>

#include "splitter/cut/flow.h"
#include "splitter/cut/sizes.h"

namespace pp {

/// The contents of one stage, in terms of the source graph.
struct StagePlan {
  int begin = 0;          ///< first node of its range
  int end = 0;            ///< one past the last node of its range
  std::vector<int> kept;  ///< nodes of the range that it runs, ascending
  std::vector<ir::ValueId> received;     ///< from the previous stage, in order
  std::vector<ir::ValueId> user_inputs;  ///< in the model's order
  std::set<int> states;                  ///< indices of the states it holds
  /// Nodes of earlier stages that it runs again before its own, ascending.
  std::set<int> rerun;
  /// Sizes that it reads from the shape of a tensor, by the value that they
  /// define.
  std::map<ir::ValueId, SizeFinder::Place> sizes;
  /// Received values and user inputs that it copies on entry, because its nodes
  /// write to them.
  std::set<ir::ValueId> copied;
  /// Received values that nodes of this stage read.
  std::set<ir::ValueId> read_here;
  /// Received values that some node reads, here or in a later stage.
  std::set<ir::ValueId> read_later;
  /// Values of earlier stages' free nodes that its own nodes read.
  std::vector<ir::ValueId> recomputed;
};

/// Plans all stages, from the last to the first: each stage asks the stage
/// before it for what it can't make itself.
/// cuts      ascending positions, each legal
/// transmit  whether tied parameters are sent, see TiedParameters
/// names     names of the cuts, for messages
/// throws    Error(Usage) naming a stage that would have nothing to do
std::vector<StagePlan> plan_stages(
    const Flow& flow,
    const std::vector<int>& cuts,
    bool transmit,
    const std::vector<std::string>& names);

}  // namespace pp
