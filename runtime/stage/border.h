#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "splitter/manifest/manifest.h"

namespace pp {

/// The names of the model outputs that a job needs, to compute its loss or to
/// save them.
using WantedOutputs = std::set<std::string>;

/// A place where a value enters a stage at run time; each input of the stage's
/// graph has one.
struct EntryPoint {
  enum class From : uint8_t { Previous, User, Nowhere };
  From from = From::Previous;
  /// The name of the model input for From::User, otherwise of the value.
  std::string name;
  bool is_tensor = true;
  /// Index of the output at which this value leaves unchanged; -1: none.
  int relay_output = -1;
  StageInput contract;
};

/// A place where a value leaves a stage at run time; each output of the stage's
/// graph has one.
struct ExitPoint {
  /// Whether the value is sent to the next stage.
  bool to_next = false;
  /// Name of the model output that leaves here; empty if none does.
  std::string model_output;
  bool is_tensor = true;
  /// Index of the input that leaves here unchanged; -1: none.
  int relay_input = -1;
  std::string value;
  ir::TensorMeta tensor;
};

/// Where values enter and leave a stage, and which of them the job needs. The
/// two stages at a border compute the same list of values, because both use the
/// manifest.
struct Border {
  std::vector<EntryPoint> entries;
  std::vector<ExitPoint> exits;
  /// The type that autocast gives to some of the values that cross the border;
  /// nullopt: no autocast. Model outputs keep the model's own type.
  std::optional<ir::ScalarType> autocast;
  std::vector<std::string> guards;  ///< see StageManifest::guards
};

/// Plans the border of a stage.
/// throws  Error(Usage): the model does not have one of the wanted outputs
Border plan_border(
    const Manifest& manifest, int stage, const WantedOutputs& wanted);

}  // namespace pp
