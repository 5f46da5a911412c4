#pragma once

#include "splitter/cut/boundary.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// Adds each planned stage to the manifest: the values that enter and leave it,
/// its modules and states, its costs, and why it relays or recomputes values.
/// File names and hashes stay empty.
/// transmit  whether tied parameters are sent, see TiedParameters
void describe_stages(
    const Flow& flow,
    const std::vector<StagePlan>& plans,
    const std::vector<ir::Graph>& graphs,
    bool transmit,
    Manifest& manifest);

/// Fills in a stage's parameters, buffers and FLOPs.
void describe_contents(const ir::Graph& stage, StageManifest& entry);

/// Adds the inputs and outputs of the whole model to the manifest.
void describe_model(const ir::Graph& graph, Manifest& manifest);

}  // namespace pp
