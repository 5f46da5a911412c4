#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "splitter/chain/stage_chain.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// Places the guards of a stage that was exported on its own. Those on inputs
/// of the model become the model's; those on values that the stage receives
/// become the stage's, together with what its export assumed about their sizes:
/// bounds, and sizes that follow from others.
///
/// Bounds of sizes that the model's inputs have too are left out: the data are
/// checked against them.
///
/// guards  as in the stage's file, with the names of the graph's inputs
/// graph   the stage, connected: its inputs are in the order of `stage`
/// chain   the connections of all stages
/// stage   gets the guards on what it receives
/// model   gets the others, each once
/// throws        Error(Input): a guard can't be read
void place_guards(
    const std::vector<std::string>& guards,
    const ir::Graph& graph,
    const StageChain& chain,
    StageManifest& stage,
    std::vector<std::string>& model);

}  // namespace pp
