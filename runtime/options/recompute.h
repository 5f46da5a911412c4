#pragma once

#include <string>
#include <vector>

namespace pp {

/// The parts of a training forward that are not kept for its backward but
/// recomputed.
struct Recompute {
  bool stage = false;                ///< the whole stage, the loss included
  std::vector<std::string> modules;  ///< else these modules, see ProgramOptions
  bool operator==(const Recompute&) const = default;
};

}  // namespace pp
