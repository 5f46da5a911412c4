#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "splitter/manifest.h"

namespace pp {

/// Model outputs a job needs: for its loss, or to save them.
using WantedOutputs = std::set<std::string>;

/// What enters a stage at run time, one entry an input of its graph.
struct EntryPoint {
  enum class From : uint8_t { Previous, User, Nowhere };
  From from = From::Previous;
  std::string name;  ///< User: the model input; else the value
  bool is_tensor = true;
  int relay_output = -1;  ///< the output that passes it on unchanged, or -1
  StageInput contract;
};

/// What leaves a stage at run time, one entry an output of its graph.
struct ExitPoint {
  bool to_next = false;      ///< sent (what no one needs is not)
  std::string model_output;  ///< handed to the caller under this name
  bool is_tensor = true;
  int relay_input = -1;  ///< the input it passes on unchanged, or -1
  std::string value;
  ir::TensorMeta tensor;
};

/// A stage's border, with what the job does not need left out. Both sides of
/// a border come to the same list, since both decide from the manifest.
struct Border {
  std::vector<EntryPoint> entries;
  std::vector<ExitPoint> exits;
  /// The type that autocast gives some of the values that cross; model outputs
  /// have the model's own type all the same.
  std::optional<ir::ScalarType> autocast;
};

/// throws Error(Usage): a wanted output that the model does not have
Border plan_border(
    const Manifest& manifest, int stage, const WantedOutputs& wanted);

}  // namespace pp
