#pragma once

#include <filesystem>
#include <vector>

#include "loader/model/model.h"
#include "splitter/manifest/manifest.h"

namespace pp {

/// A pipeline of stages that were exported one by one. Each graph has the
/// inputs and outputs of the manifest, in the manifest's order. Names of values
/// and states are unique across stages.
struct Assembly {
  std::vector<Model> stages;
  Manifest manifest;  ///< file names and hashes stay empty
};

/// Chains stages in the given order. Each input of a stage reads the first of
/// these that exists:
///
/// - the previous stage's output of the same name; if no input has the name of
///   one of its outputs, the outputs match the inputs by position instead
/// - an earlier stage's output of the same name, relayed by the stages between
/// - an input of the whole model, shared by all stages that use its name
///
/// An output that no stage reads becomes an output of the model, after the last
/// stage's own. Symbolic sizes that meet between two stages become one symbol.
/// If two stages use the same FQN, they have two different parameters, and
/// every stage's FQNs get the prefix "stage_K.".
///
/// throws Error(Input) naming both files: two stages differ in a dtype, a
///        number of dimensions or a fixed size; a value is neither tensor nor
///        number; matching by position finds more outputs than inputs
Assembly assemble(std::vector<Model> stages);

}  // namespace pp
