#pragma once

#include <string>
#include <vector>

namespace pp {

/// The parts of a training forward whose activations are not kept for the
/// backward but recomputed there.
struct Recompute {
  bool stage = false;  ///< recompute whole stages, the loss included
  /// If `stage` is false: patterns of modules, see ProgramOptions::recompute.
  std::vector<std::string> modules;
  bool operator==(const Recompute&) const = default;
};

}  // namespace pp
