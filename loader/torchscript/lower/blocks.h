#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loader/torchscript/lower/lowering.h"

// Nodes that own graphs: the sides of a branch and the body of a loop.
namespace pp::ts {

/// A block of a control-flow node, expressed in values of the graph around it.
struct BlockDraft {
  std::string name;
  std::vector<ir::Node> nodes;
  std::vector<ir::ValueId> inputs;  ///< a loop's iteration, carried values
  std::vector<ir::Arg> outputs;
};

/// Begins a block: nodes are added to it until close_block(). Blocks nest.
void open_block(Lowering& lowering);

/// Ends the innermost block and returns its nodes.
std::vector<ir::Node> close_block(Lowering& lowering);

/// Adds a node that owns `blocks` to the innermost open block. Values that the
/// blocks read from around them become operands, after `operands`.
void add_control_flow(
    Lowering& lowering,
    std::string_view target,
    const std::vector<ir::Arg>& conditions,
    const std::vector<ir::Arg>& operands,
    const std::vector<BlockDraft>& blocks,
    const std::vector<GraphValue>& results);

}  // namespace pp::ts
