#include "loader/torchscript/lower/branches.h"

#include <array>
#include <utility>

#include "loader/torchscript/lower/blocks.h"
#include "loader/torchscript/lower/checks.h"
#include "loader/torchscript/lower/hints.h"
#include "loader/torchscript/lower/leaves.h"
#include "loader/torchscript/lower/run.h"
#include "loader/torchscript/lower/values.h"

namespace pp::ts {

namespace {

/// One side of a branch.
struct Side {
  BlockDraft block;  ///< with an output per leaf
  Items returned;
  Items leaves;  ///< of `returned`
};

Side lower_side(const NodeCall& call, size_t index) {
  const torch::jit::Block& block = *call.node.blocks()[index];
  Side side;
  side.block.name = index == 0 ? "then" : "otherwise";
  open_block(call.lowering);
  lower_block(call.lowering, block, call.values);
  side.returned = block_outputs(block, call.values);
  for (const Item& item : side.returned) {
    count_items(item, call.lowering.steps);
  }
  side.leaves = flatten(side.returned);
  for (const Item& leaf : side.leaves) {
    side.block.outputs.push_back(leaf_arg(call, leaf));
  }
  side.block.nodes = close_block(call.lowering);
  return side;
}

/// The value that a leaf has after the branch.
GraphValue add_merged_value(
    const NodeCall& call, const Item& a, const Item& b) {
  const auto kind = try_leaf_kind(call.lowering, a);
  if (!kind || kind != try_leaf_kind(call.lowering, b)) {
    refuse(
        call,
        "one branch returns " + describe(a) + " and the other returns " +
            describe(b));
  }
  return add_value(
      call.lowering, "if", *kind, try_common_hint(call.lowering, a, b));
}

bool is_text(const Item& item) {
  const auto* constant = item.as<Constant>();
  return item.as<Text>() != nullptr ||
         (constant != nullptr && constant->value.isString());
}

/// Adds a node that owns both sides. Leaves that are the same constant or value
/// on both sides are not results of the node.
Items add_branch(const NodeCall& call, const GraphValue& condition) {
  std::array<Side, 2> sides = {lower_side(call, 0), lower_side(call, 1)};
  if (!have_same_structure(sides[0].returned, sides[1].returned)) {
    refuse(
        call, "its branches return lists of different lengths or structures");
  }
  Items leaves;
  std::vector<GraphValue> results;
  std::array<std::vector<ir::Arg>, 2> outputs;
  for (size_t i = 0; i < sides[0].leaves.size(); ++i) {
    const Item& a = sides[0].leaves[i];
    const Item& b = sides[1].leaves[i];
    if (is_same_item(a, b)) {
      leaves.push_back(a);
      continue;
    }
    if (is_text(a) && is_text(b)) {
      leaves.push_back({Text{}});
      continue;
    }
    results.push_back(add_merged_value(call, a, b));
    leaves.push_back({results.back()});
    for (size_t side = 0; side < 2; ++side) {
      outputs[side].push_back(sides[side].block.outputs[i]);
    }
  }
  std::vector<BlockDraft> blocks;
  for (size_t side = 0; side < 2; ++side) {
    blocks.push_back(std::move(sides[side].block));
    blocks.back().outputs = std::move(outputs[side]);
  }
  add_control_flow(
      call.lowering,
      "prim::If",
      {{ir::Ref{condition.id}}},
      {},
      blocks,
      results);
  return merge(call.lowering, sides[0].returned, sides[1].returned, leaves);
}

}  // namespace

std::optional<Items> lower_branch(const NodeCall& call) {
  const Item& condition = call.inputs.front();
  const auto known = try_constant(condition);
  if (!known && only_checks(call.node)) {
    return Items{};
  }
  const auto blocks = call.node.blocks();
  const torch::jit::Block* chosen = nullptr;
  if (known && known->isBool()) {
    chosen = blocks[known->toBool() ? 0 : 1];
  } else if (only_raises(*blocks[0])) {
    chosen = blocks[1];  // an assertion
  } else if (only_raises(*blocks[1])) {
    chosen = blocks[0];
  } else {
    const auto* value = condition.as<GraphValue>();
    if (value == nullptr ||
        try_leaf_kind(call.lowering, condition) != ir::TypeKind::Bool) {
      refuse(
          call,
          "its condition is " + describe(condition) + "; use a bool, as in " +
              "`if bool(x.sum() > 0):`");
    }
    return add_branch(call, *value);
  }
  lower_block(call.lowering, *chosen, call.values);
  return block_outputs(*chosen, call.values);
}

}  // namespace pp::ts
