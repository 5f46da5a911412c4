#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loader/torchscript/lower/lowering.h"

// Nodes that own graphs: a branch owns its two sides, a loop owns its body.
namespace pp::ts {

/// A block of a control-flow node. Its nodes may read values of the graph
/// around the block.
struct BlockDraft {
  std::string name;
  std::vector<ir::Node> nodes;
  /// For a loop: the iteration's number, then the carried values.
  std::vector<ir::ValueId> inputs;
  std::vector<ir::Arg> outputs;
};

enum class BlockKind { BranchSide, LoopBody };

/// Opens a block inside the current one. New nodes are added to it until
/// close_block().
void open_block(Lowering& lowering, BlockKind kind);

/// Closes the innermost block and returns its nodes.
std::vector<ir::Node> close_block(Lowering& lowering);

/// Adds a node that owns `blocks` to the innermost open block. Its operands are
/// `conditions`, `operands`, and then the values that the blocks read from the
/// graph around them.
void add_control_flow(
    Lowering& lowering,
    std::string_view target,
    const std::vector<ir::Arg>& conditions,
    const std::vector<ir::Arg>& operands,
    const std::vector<BlockDraft>& blocks,
    const std::vector<GraphValue>& results);

}  // namespace pp::ts
