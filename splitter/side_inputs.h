#pragma once

#include <string>
#include <vector>

#include "splitter/cut.h"

namespace pp {

/// A user input that stages behind the first may need: every rank that runs
/// one reads it from the data.
struct SideInput {
  std::string name;
  std::string until;  ///< the module that needs it last; empty: the root
};

/// cuts  the legal ones, ascending
std::vector<SideInput> side_inputs(
    const ir::Graph& graph, const std::vector<Cut>& cuts);

}  // namespace pp
