#pragma once

#include <string>
#include <vector>

#include "loader/ir/graph.h"
#include "runtime/options/mode.h"

namespace pp {

/// Sets every `train` or `training` argument of the graph to `mode`. Mode::Eval
/// also turns off dropout inside attention and removes batch norm's batch
/// counter.
///
/// returns  one line for each thing that Mode::Train can't restore: an export
///          in eval mode has lost attention's dropout and batch norm's counter
std::vector<std::string> set_mode(ir::Graph& graph, Mode mode);

/// Puts the whole graph under autocast to `dtype`. The graph's own autocast
/// regions stay as they are.
void set_autocast(ir::Graph& graph, ir::ScalarType dtype);

}  // namespace pp
