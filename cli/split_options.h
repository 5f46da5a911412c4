#pragma once

#include "cli/command.h"
#include "splitter/split_spec.h"

namespace pp::cli {

/// The spec that --at, --stages, --balance, --markers and --no-remat ask for.
inline SplitSpec to_split_spec(const SplitOptions& options) {
  SplitSpec spec;
  for (const std::string& text : options.at) {
    spec.at.push_back(parse_split_point(text));
  }
  spec.num_stages = options.stages;
  spec.markers = options.markers;
  spec.memory = options.memory;
  spec.rematerialise = !options.no_remat;
  spec.transmit = options.tied == "transmit";
  if (options.balance == "flops") {
    spec.balance = Balance::Flops;
  } else if (options.balance == "time") {
    spec.balance = Balance::Time;
  } else if (options.balance == "memory") {
    spec.balance = Balance::Memory;
  }
  return spec;
}

}  // namespace pp::cli
