#pragma once

#include "splitter/boundary.h"
#include "splitter/manifest.h"

namespace pp {

/// Says of each planned stage what the manifest has to: what enters and leaves
/// it, what it holds, what it costs, and why it relays and recomputes. Files
/// and hashes stay empty.
void describe_stages(
    const Flow& flow,
    const std::vector<StagePlan>& plans,
    const std::vector<ir::Graph>& graphs,
    Manifest& manifest);

/// Inputs and outputs of the whole model.
void describe_model(const ir::Graph& graph, Manifest& manifest);

}  // namespace pp
