#include "loader/torchscript/lower/leaves.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "loader/core/error.h"
#include "loader/torchscript/lower/arguments.h"

namespace pp::ts {

namespace {

/// The container whose items are merged or split; null for a leaf.
const Container* try_inner(const Item& item) {
  const Container* container = item.container();
  return container == nullptr || container->open_node ? nullptr : container;
}

void add_leaves(const Item& item, Items& leaves) {
  const Container* container = try_inner(item);
  if (container == nullptr) {
    leaves.push_back(item);
    return;
  }
  for (const Item& inner : container->items) {
    add_leaves(inner, leaves);
  }
}

Item rebuild_item(
    const Item& item, const Items& leaves, size_t& next, size_t block_depth) {
  const Container* container = try_inner(item);
  if (container == nullptr) {
    return leaves.at(next++);
  }
  Container out = *container;
  out.block_depth = block_depth;
  for (Item& inner : out.items) {
    inner = rebuild_item(inner, leaves, next, block_depth);
  }
  return container_item(std::move(out));
}

/// Whether the container was made before the branch that is being merged.
bool is_older(const Item& item, const Lowering& lowering) {
  const Container* container = item.container();
  return container != nullptr &&
         container->block_depth <= lowering.block_depth();
}

/// Merges the items that the two sides of a branch return.
class Merger {
 public:
  Merger(const Lowering& lowering, const Items& leaves)
      : lowering_(lowering), leaves_(leaves) {}

  Item run(const Item& then, const Item& otherwise) {
    const Container* container = try_inner(then);
    if (container == nullptr) {
      return leaves_.at(next_++);
    }
    if (container == otherwise.container()) {
      next_ += flatten({then}).size();
      return then;
    }
    const auto same = merged_.find({container, otherwise.container()});
    if (same != merged_.end()) {
      next_ += flatten({then}).size();
      return same->second;
    }
    return merge(then, otherwise);
  }

 private:
  Item merge(const Item& then, const Item& otherwise) {
    const Container& a = *then.container();
    const Container& b = *otherwise.container();
    Container merged = a;
    merged.block_depth = lowering_.block_depth();
    for (size_t i = 0; i < merged.items.size(); ++i) {
      merged.items[i] = run(a.items[i], b.items[i]);
    }
    if (merged.why_fixed.empty()) {
      merged.why_fixed = b.why_fixed;
    }
    Item out = container_item(std::move(merged));
    // Another item may hold a side's list too if the list was made before the
    // branch, or was already merged with another list.
    const bool shares_a = note_use(&a, out);
    const bool shares_b = note_use(&b, out);
    if (shares_a || shares_b || is_older(then, lowering_) ||
        is_older(otherwise, lowering_)) {
      for (const Item& item : {then, otherwise, out}) {
        fix_containers(item, kMayBeAnother);
      }
    }
    merged_.emplace(std::pair(&a, &b), out);
    return out;
  }

  /// Records that a side's container was merged into `result`. If it had been
  /// merged before, fixes the earlier result and returns true.
  bool note_use(const Container* container, const Item& result) {
    const auto [found, is_first] = first_results_.emplace(container, result);
    if (!is_first) {
      fix_containers(found->second, kMayBeAnother);
    }
    return !is_first;
  }

  const Lowering& lowering_;
  const Items& leaves_;
  size_t next_ = 0;
  /// The first result of each container of either side. All later results are
  /// fixed when they are made.
  std::map<const Container*, Item> first_results_;
  /// The results, by the containers of the two sides, so that two names of one
  /// list remain two names of one list.
  std::map<std::pair<const Container*, const Container*>, Item> merged_;
};

bool is_same_structure(const Item& a, const Item& b) {
  const Container* left = try_inner(a);
  const Container* right = try_inner(b);
  if (left == nullptr || right == nullptr) {
    return left == right;
  }
  return left->kind == right->kind && left->keys == right->keys &&
         have_same_structure(left->items, right->items);
}

}  // namespace

Items flatten(const Items& items) {
  Items leaves;
  for (const Item& item : items) {
    add_leaves(item, leaves);
  }
  return leaves;
}

Items rebuild(
    const Lowering& lowering, const Items& items, const Items& leaves) {
  Items out;
  size_t next = 0;
  for (const Item& item : items) {
    out.push_back(rebuild_item(item, leaves, next, lowering.block_depth()));
  }
  return out;
}

Items merge(
    const Lowering& lowering,
    const Items& then,
    const Items& otherwise,
    const Items& leaves) {
  Items out;
  Merger merger(lowering, leaves);
  for (size_t i = 0; i < then.size(); ++i) {
    out.push_back(merger.run(then[i], otherwise[i]));
  }
  return out;
}

bool have_same_structure(const Items& a, const Items& b) {
  return std::ranges::equal(a, b, is_same_structure);
}

std::optional<ir::TypeKind> try_leaf_kind(
    const Lowering& lowering, const Item& leaf) {
  if (const auto* constant = leaf.as<Constant>()) {
    const c10::IValue& value = constant->value;
    return value.isBool()     ? std::optional(ir::TypeKind::Bool)
           : value.isInt()    ? std::optional(ir::TypeKind::Int)
           : value.isDouble() ? std::optional(ir::TypeKind::Float)
                              : std::nullopt;
  }
  if (const auto* value = leaf.as<GraphValue>()) {
    return lowering.value(value->id).type.kind;
  }
  return leaf.as<Literal>() != nullptr || leaf.as<NumberTensor>() != nullptr
             ? std::optional(ir::TypeKind::Tensor)
             : std::nullopt;
}

ir::Arg leaf_arg(const NodeCall& call, const Item& leaf) {
  if (!try_leaf_kind(call.lowering, leaf)) {
    return {ir::None{}};
  }
  try {
    return to_arg(call.lowering, leaf, nullptr);
  } catch (const Error& error) {
    refuse(call, error.what());
  }
}

}  // namespace pp::ts
