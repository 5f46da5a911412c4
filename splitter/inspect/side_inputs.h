#pragma once

#include <string>
#include <vector>

#include "splitter/cut/cut.h"
#include "splitter/cut/flow.h"

namespace pp {

/// A user input that stages after the first may need. Every rank that runs such
/// a stage reads the input from the data.
struct SideInput {
  std::string name;
  /// FQN of the module that reads the input last; empty: the root.
  std::string until;
};

/// Lists the user inputs that stages after the first may need.
/// cuts  all legal cuts, ascending
std::vector<SideInput> side_inputs(
    const Flow& flow, const std::vector<Cut>& cuts);

}  // namespace pp
