#pragma once

#include <filesystem>
#include <vector>

#include "loader/model/model.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// A pipeline of stages that were exported one by one. Each stage's graph has
/// the inputs and outputs that the manifest lists, in the manifest's order. The
/// names of values and states are unique across stages.
struct Assembly {
  std::vector<Model> stages;
  Manifest manifest;  ///< its file names and hashes are empty
};

/// Chains stages in the given order. Each input of a stage reads the first of
/// these sources that exists:
///
/// - the previous stage's output of the same name; if no output of the
///   previous stage has the name of an input, outputs are matched to inputs by
///   position
/// - an earlier stage's output of the same name, relayed by the stages between
/// - an input of the whole model, shared by all stages that use its name
///
/// An output that no stage reads becomes an output of the model, listed after
/// the last stage's own outputs. Symbolic sizes that meet between two stages
/// become one symbol. If two stages use the same FQN, each stage keeps its own
/// parameter, and the FQNs of every stage get the prefix "stage_K.".
///
/// throws  Error(Input) naming both files: two stages differ in a dtype, a
///         number of dimensions or a fixed size; a value is neither tensor nor
///         number; matching by position finds more outputs than inputs
Assembly assemble(std::vector<Model> stages);

}  // namespace pp
