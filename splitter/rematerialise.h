#pragma once

#include "splitter/flow.h"

namespace pp {

/// Fills in Flow::is_free and why_free; needs all that stands before them.
void find_free_nodes(Flow& flow, const FlowOptions& options);

/// Most nodes that are run again to make one value.
constexpr int kMaxRecomputedNodes = 200;

}  // namespace pp
