#pragma once

#include "splitter/boundary.h"

namespace pp {

/// Builds the graph of a planned stage; values, nodes and states keep the
/// source's names.
/// next    the plan of the stage after it; null: it is the last
ir::Graph build_stage(
    const Flow& flow, const StagePlan& plan, const StagePlan* next);

}  // namespace pp
