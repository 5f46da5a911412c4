#pragma once

#include "splitter/cut/boundary.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// Adds each planned stage to the manifest: the values that enter and leave the
/// stage, its modules and states, its costs, and notes on why it relays or
/// recomputes values. File names and hashes stay empty.
/// transmit  whether tied parameters are sent between stages, see
///           TiedParameters
void describe_stages(
    const Flow& flow,
    const std::vector<StagePlan>& plans,
    const std::vector<ir::Graph>& graphs,
    bool transmit,
    Manifest& manifest);

/// Fills in the parameters, buffers and FLOPs of a stage's manifest entry.
void describe_contents(const ir::Graph& stage, StageManifest& entry);

/// Adds the inputs and outputs of the whole model to the manifest.
void describe_model(const ir::Graph& graph, Manifest& manifest);

}  // namespace pp
