#pragma once

#include "splitter/cut/boundary.h"

namespace pp {

/// Builds the graph of a planned stage. Values, nodes and states keep the
/// source's names.
/// next  the plan of the next stage; null for the last stage
ir::Graph build_stage(
    const Flow& flow, const StagePlan& plan, const StagePlan* next);

}  // namespace pp
