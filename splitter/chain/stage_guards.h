#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/chain/stage_chain.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// Distributes the guards of a stage that was exported on its own. A guard that
/// mentions only inputs of the model becomes a guard of the model; a guard that
/// mentions a value received from another stage becomes a guard of the stage.
/// The stage also gets guards for what its export assumed about the sizes of
/// received values: bounds, and sizes that follow from other sizes.
///
/// A size of a received value gets no bounds if it is also a size of a model
/// input, because data are checked against the bounds of the inputs.
///
/// guards  the guards in the stage's file, which use the names of the graph's
///         inputs
/// graph   the stage after chaining: its inputs are in the order of
///         `stage.inputs`
/// chain   the connections of all stages
/// stage   receives the guards on values from other stages
/// model   receives the other guards, without duplicates
/// throws  Error(Input): a guard can't be parsed
void place_guards(
    const std::vector<std::string>& guards,
    const ir::Graph& graph,
    const StageChain& chain,
    StageManifest& stage,
    std::vector<std::string>& model);

}  // namespace pp
