#pragma once

#include <filesystem>
#include <vector>

#include "loader/model.h"
#include "splitter/manifest.h"

namespace pp {

/// Stages that were exported one by one, made fit for a pipeline: each graph's
/// inputs and outputs are those of the manifest, in its order; names of values
/// and states are unique over all of them.
struct Assembly {
  std::vector<Model> stages;
  Manifest manifest;  ///< file names and hashes stay empty
};

/// Chains stages in the given order. What enters a stage is, first found:
///
/// - the output of that name of the stage before; if it has none by the name
///   of any of the inputs, its outputs are taken by position instead
/// - the output of that name of an earlier stage, which is relayed
/// - an input of the whole model, shared by all stages that call it so
///
/// What no stage takes is an output of the model, after the last stage's own.
/// Symbolic sizes that meet at a joint become one. Where two stages use one
/// FQN, these are two parameters: "stage_K." goes before all FQNs.
///
/// throws Error(Input) naming both files: a dtype, a number of dimensions or a
///        fixed size differs at a joint; a value that is neither tensor nor
///        number; more outputs than inputs by position
Assembly assemble(std::vector<Model> stages);

}  // namespace pp
