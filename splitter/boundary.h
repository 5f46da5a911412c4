#pragma once

#include <map>
#include <set>
#include <vector>

#include "splitter/flow.h"
#include "splitter/sizes.h"

namespace pp {

/// What one stage consists of, in terms of the source graph.
struct StagePlan {
  int begin = 0;  ///< its nodes are [begin, end) less those not kept
  int end = 0;
  std::vector<int> kept;
  std::vector<ir::ValueId> received;     ///< from the stage before, in order
  std::vector<ir::ValueId> user_inputs;  ///< in the model's order
  std::set<int> states;                  ///< it holds, by index
  /// Nodes of earlier stages that it runs again first, ascending.
  std::set<int> again;
  /// Sizes it reads off a tensor, by the value they give.
  std::map<ir::ValueId, SizeFinder::Place> sizes;
  /// Received values and user inputs that it writes to: copied on entry.
  std::set<ir::ValueId> copied;
  /// Received values that this stage's nodes read.
  std::set<ir::ValueId> read_here;
  /// Received values that some node reads, here or in a later stage.
  std::set<ir::ValueId> read_later;
  /// Free values that its nodes read and earlier stages made.
  std::vector<ir::ValueId> recomputed;
};

/// Plans all stages, from the last to the first: what a stage can't make itself
/// it asks of the stage before.
/// cuts    ascending positions, each legal
/// names   of the cuts, for messages; may be empty
/// throws  Error(Usage) if nothing is left for a stage to do; names the stage
std::vector<StagePlan> plan_stages(
    const Flow& flow,
    const std::vector<int>& cuts,
    const std::vector<std::string>& names = {});

}  // namespace pp
