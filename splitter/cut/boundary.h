#pragma once

#include <map>
#include <set>
#include <vector>

#include "splitter/cut/flow.h"
#include "splitter/cut/sizes.h"

namespace pp {

/// The contents of one stage, in terms of the source graph. Its range is the
/// nodes between its two cuts.
struct StagePlan {
  int begin = 0;          ///< first node of the range
  int end = 0;            ///< one past the last node of the range
  std::vector<int> kept;  ///< nodes of the range that the stage runs, ascending
  /// Values from the previous stage, in order of input.
  std::vector<ir::ValueId> received;
  /// Model inputs that the stage reads, in the model's order.
  std::vector<ir::ValueId> user_inputs;
  std::set<int> states;  ///< indices of the states that the stage holds
  /// Nodes of earlier stages that the stage runs again before its own,
  /// ascending.
  std::set<int> rerun;
  /// The sizes that the stage reads from shapes of tensors. The key is the size
  /// in the source graph; the place is a tensor and one of its dimensions.
  std::map<ir::ValueId, SizeFinder::Place> sizes;
  /// Received values and user inputs that the stage copies on entry, because
  /// its nodes write to them.
  std::set<ir::ValueId> copied;
  /// Received values that this stage uses: a node that runs in the stage reads
  /// them, or the stage reads a size from their shape.
  std::set<ir::ValueId> read_here;
  /// Received values that a node of this stage or of a later one reads.
  std::set<ir::ValueId> read_later;
  /// Values that this stage recomputes: free nodes of earlier stages make them,
  /// and this stage's own nodes read them.
  std::vector<ir::ValueId> recomputed;
};

/// Plans all stages, from the last to the first, because each stage asks the
/// one before it for the values that it can't make itself.
/// cuts      ascending positions of legal cuts
/// transmit  whether tied parameters are sent between stages, see
///           TiedParameters
/// names     names of the cuts, for messages
/// throws    Error(Usage) naming the stage: it would have nothing to do
std::vector<StagePlan> plan_stages(
    const Flow& flow,
    const std::vector<int>& cuts,
    bool transmit,
    const std::vector<std::string>& names);

}  // namespace pp
