#include "loader/torchscript/lower/branches.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "loader/torchscript/lower/blocks.h"
#include "loader/torchscript/lower/checks.h"
#include "loader/torchscript/lower/hints.h"
#include "loader/torchscript/lower/leaves.h"
#include "loader/torchscript/lower/list_access.h"
#include "loader/torchscript/lower/run.h"
#include "loader/torchscript/lower/values.h"

namespace pp::ts {

namespace {

using Containers = std::vector<std::shared_ptr<Container>>;

/// Items, the leaves of these items, and an argument for each leaf.
struct Results {
  Items items;
  Items leaves;
  std::vector<ir::Arg> args;

  void add(const Results& other) {
    items.insert(items.end(), other.items.begin(), other.items.end());
    leaves.insert(leaves.end(), other.leaves.begin(), other.leaves.end());
    args.insert(args.end(), other.args.begin(), other.args.end());
  }
};

/// One side of a branch.
struct Side {
  BlockDraft block;
  /// The items that the side returns, followed by the contents of containers
  /// that either side changes, each in a container of its own.
  Results results;
  Containers changed;
  std::vector<Results> changed_to;  ///< contents of `changed` at the side's end
};

Results results_of(const NodeCall& call, Items items) {
  Results results;
  for (const Item& item : items) {
    count_items(item, call.lowering.steps);
  }
  results.leaves = flatten(items);
  for (const Item& leaf : results.leaves) {
    results.args.push_back(leaf_arg(call, leaf));
  }
  results.items = std::move(items);
  return results;
}

/// A copy of a container that counts as created inside the current side.
Item inner_copy(const NodeCall& call, const Container& container) {
  Container copy = container;
  copy.block_depth = call.lowering.block_depth() + 1;
  return container_item(std::move(copy));
}

Side lower_side(const NodeCall& call, size_t index) {
  const torch::jit::Block& block = *call.node.blocks()[index];
  Lowering& lowering = call.lowering;
  Side side;
  side.block.name = index == 0 ? "then" : "otherwise";
  open_block(lowering, BlockKind::BranchSide);
  lower_block(lowering, block, call.values);
  side.results = results_of(call, block_outputs(block, call.values));
  const auto before = std::move(lowering.outer_blocks.back().before_changes);
  for (const ContainerContents& contents : before) {
    side.changed.push_back(contents.container);
    side.changed_to.push_back(
        results_of(call, {inner_copy(call, *contents.container)}));
  }
  side.block.nodes = close_block(lowering);
  // The other side begins with the same contents as this one.
  for (const ContainerContents& contents : before) {
    contents.container->items = contents.items;
    contents.container->keys = contents.keys;
  }
  return side;
}

/// Whether one of the containers is among the items, at any depth.
bool has_one_of(const Items& items, const Containers& containers) {
  return std::ranges::any_of(items, [&](const Item& item) {
    const auto* pointer = item.as<std::shared_ptr<Container>>();
    return pointer != nullptr &&
           (std::ranges::find(containers, *pointer) != containers.end() ||
            has_one_of((*pointer)->items, containers));
  });
}

/// Adds to the results of both sides the contents of each container that one of
/// them changes. Returns these containers.
Containers add_changes(const NodeCall& call, std::array<Side, 2>& sides) {
  Containers changed = sides[0].changed;
  for (const auto& container : sides[1].changed) {
    if (std::ranges::find(changed, container) == changed.end()) {
      changed.push_back(container);
    }
  }
  for (Side& side : sides) {
    for (const auto& container : changed) {
      const auto found = std::ranges::find(side.changed, container);
      const auto position = static_cast<size_t>(found - side.changed.begin());
      side.results.add(
          position < side.changed.size()
              ? side.changed_to[position]
              : results_of(call, {inner_copy(call, *container)}));
    }
    if (has_one_of(side.results.items, changed)) {
      refuse(
          call,
          "a branch changes a list or dictionary and also returns it or stores "
          "it in another one; copy it first, as with list()");
    }
  }
  return changed;
}

/// The hint for a leaf after the branch. A number gets the hint of the side
/// that the example inputs choose, or of the first side if the choice is
/// unknown.
std::optional<c10::IValue> try_merged_hint(
    const NodeCall& call, const Item& a, const Item& b) {
  if (auto common = try_common_hint(call.lowering, a, b)) {
    return common;
  }
  auto left = try_hint(call.lowering, a);
  auto right = try_hint(call.lowering, b);
  if (!left || !right || !left->isScalar() ||
      left->tagKind() != right->tagKind()) {
    return std::nullopt;
  }
  const auto condition = try_hint(call.lowering, call.inputs.front());
  return condition && condition->isBool() && !condition->toBool() ? right
                                                                  : left;
}

/// The value that a leaf has after the branch.
GraphValue add_merged_value(
    const NodeCall& call, const Item& a, const Item& b) {
  const auto kind = try_leaf_kind(call.lowering, a);
  if (!kind || kind != try_leaf_kind(call.lowering, b)) {
    refuse(
        call,
        "one branch returns " + describe(a) + " and the other returns " +
            describe(b) +
            "; both must return tensors, or numbers of the same type");
  }
  return add_value(call.lowering, "if", *kind, try_merged_hint(call, a, b));
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
  const Containers changed = add_changes(call, sides);
  const Results& then = sides[0].results;
  const Results& otherwise = sides[1].results;
  if (!have_same_structure(then.items, otherwise.items)) {
    refuse(
        call, "its branches end with lists of different lengths or structures");
  }
  Items leaves;
  std::vector<GraphValue> results;
  std::array<std::vector<ir::Arg>, 2> outputs;
  for (size_t i = 0; i < then.leaves.size(); ++i) {
    const Item& a = then.leaves[i];
    const Item& b = otherwise.leaves[i];
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
      outputs[side].push_back(sides[side].results.args[i]);
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
  Items merged = merge(call.lowering, then.items, otherwise.items, leaves);
  const size_t num_returned = merged.size() - changed.size();
  for (size_t i = 0; i < changed.size(); ++i) {
    // This branch may itself be in a side of another branch, or in a loop.
    check_changeable(call, changed[i], "changes");
    const Container& contents = *merged[num_returned + i].container();
    changed[i]->items = contents.items;
    changed[i]->keys = contents.keys;
  }
  merged.resize(num_returned);
  return merged;
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
