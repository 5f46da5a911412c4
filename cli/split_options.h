#pragma once

#include "cli/command.h"
#include "splitter/cut/split_spec.h"

namespace pp::cli {

/// Converts the command line's split options to a SplitSpec. The options must
/// have been validated.
inline SplitSpec to_split_spec(const SplitOptions& options) {
  SplitSpec spec;
  for (const std::string& text : options.at) {
    spec.at.push_back(parse_split_point(text));
  }
  spec.num_stages = options.stages;
  spec.markers = options.markers;
  spec.memory = options.memory;
  spec.rematerialise = !options.no_remat;
  spec.tied = try_parse_enum<TiedParameters>(options.tied).value();
  spec.balance = try_parse_enum<Balance>(options.balance).value();
  return spec;
}

}  // namespace pp::cli
