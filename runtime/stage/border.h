#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "splitter/manifest/manifest.h"

namespace pp {

/// The model outputs that a job needs, for its loss or to save them.
using WantedOutputs = std::set<std::string>;

/// A place where a value enters a stage at run time; one per input of its
/// graph.
struct EntryPoint {
  enum class From : uint8_t { Previous, User, Nowhere };
  From from = From::Previous;
  std::string name;  ///< a user's: the model input; else: the value
  bool is_tensor = true;
  int relay_output = -1;  ///< the output that passes it on unchanged, or -1
  StageInput contract;
};

/// A place where a value leaves a stage at run time; one per output of its
/// graph.
struct ExitPoint {
  bool to_next = false;      ///< sent to the next stage, which needs it
  std::string model_output;  ///< handed to the caller under this name
  bool is_tensor = true;
  int relay_input = -1;  ///< the input it passes on unchanged, or -1
  std::string value;
  ir::TensorMeta tensor;
};

/// A stage's entries and exits, without those that the job does not need. The
/// two stages at a border compute the same list, since both use the manifest.
struct Border {
  std::vector<EntryPoint> entries;
  std::vector<ExitPoint> exits;
  /// The type that autocast gives to some of the values that cross. Model
  /// outputs keep the model's own type.
  std::optional<ir::ScalarType> autocast;
  std::vector<std::string> guards;  ///< StageManifest::guards
};

/// Plans the border of a stage.
/// throws Error(Usage): the model does not have a wanted output
Border plan_border(
    const Manifest& manifest, int stage, const WantedOutputs& wanted);

}  // namespace pp
