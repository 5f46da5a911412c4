// Branches and loops: taken or unrolled where they are known now, nodes that
// own graphs where they are not.
#include <algorithm>
#include <array>
#include <limits>

#include "loader/core/error.h"
#include "loader/formats/torchscript_checks.h"
#include "loader/formats/torchscript_lower.h"

namespace pp::ts {

namespace {

constexpr size_t kMostTurns = 1'000'000;
/// How often a `while` may run, as TorchScript writes it.
constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

/// Takes lists and tuples apart.
void flatten(const Item& item, std::vector<Item>& leaves) {
  const Compound* compound = item.compound();
  if (compound == nullptr || compound->open_node) {
    leaves.push_back(item);
    return;
  }
  for (const Item& inner : compound->items) {
    flatten(inner, leaves);
  }
}

std::vector<Item> flattened(const std::vector<Item>& items) {
  std::vector<Item> leaves;
  for (const Item& item : items) {
    flatten(item, leaves);
  }
  return leaves;
}

/// The item again with other leaves.
Item rebuild(
    const Item& item,
    const std::vector<Item>& leaves,
    size_t& next,
    size_t block) {
  const Compound* compound = item.compound();
  if (compound == nullptr || compound->open_node) {
    return leaves.at(next++);
  }
  auto out = std::make_shared<Compound>(*compound);
  out->block = block;
  for (Item& inner : out->items) {
    inner = rebuild(inner, leaves, next, block);
  }
  return {std::move(out)};
}

bool same_structure(const Item& a, const Item& b) {
  const Compound* left = a.compound();
  const Compound* right = b.compound();
  const bool is_leaf = left == nullptr || left->open_node;
  if (is_leaf || right == nullptr || right->open_node) {
    return is_leaf && (right == nullptr || right->open_node);
  }
  return left->kind == right->kind && left->keys == right->keys &&
         std::ranges::equal(left->items, right->items, same_structure);
}

/// Whether both are the same thing, which needs no value of its own.
bool is_same_constant(const Item& a, const Item& b) {
  const auto left = try_constant(a);
  const auto right = try_constant(b);
  if (!left || !right || left->tagKind() != right->tagKind()) {
    return false;
  }
  return left->isNone() || *left == *right;
}

}  // namespace

/// What a value is that enters or leaves a block; nothing: none that can.
std::optional<ir::TypeKind> Lowering::kind_of_leaf(const Item& item) const {
  if (const auto* fixed = item.as<Fixed>()) {
    return fixed->value.isBool()     ? std::optional(ir::TypeKind::Bool)
           : fixed->value.isInt()    ? std::optional(ir::TypeKind::Int)
           : fixed->value.isDouble() ? std::optional(ir::TypeKind::Float)
                                     : std::nullopt;
  }
  if (const auto* made = item.as<Made>()) {
    return builder_.graph().values[static_cast<size_t>(made->id)].type.kind;
  }
  return item.as<Literal>() != nullptr || item.as<Number>() != nullptr
             ? std::optional(ir::TypeKind::Tensor)
             : std::nullopt;
}

/// Element type and number of dimensions, if two tensors agree in them.
std::optional<c10::IValue> Lowering::common_hint(
    const Item& a, const Item& b) const {
  const auto left = builder_.try_hint(a);
  const auto right = builder_.try_hint(b);
  if (!left || !right || !left->isTensor() || !right->isTensor()) {
    return std::nullopt;
  }
  const at::Tensor one = left->toTensor();
  const at::Tensor two = right->toTensor();
  return one.scalar_type() == two.scalar_type() && one.dim() == two.dim()
             ? left
             : std::nullopt;
}

// --- branches ---

std::optional<Lowering::Items> Lowering::branch(const Call& call) {
  const auto condition = try_constant(call.inputs.front());
  const torch::jit::Block* chosen = nullptr;
  if (!condition && only_checks(call.node)) {
    return Items{};
  }
  if (condition && condition->isBool()) {
    chosen = call.node.blocks()[condition->toBool() ? 0 : 1];
  } else if (only_raises(*call.node.blocks()[0])) {
    chosen = call.node.blocks()[1];  // an assertion
  } else if (only_raises(*call.node.blocks()[1])) {
    chosen = call.node.blocks()[0];
  } else {
    return branch_at_run_time(call);
  }
  run_block(*chosen, call.values);
  Items out;
  for (const torch::jit::Value* output : chosen->outputs()) {
    out.push_back(call.values.at(output));
  }
  return out;
}

Lowering::Items Lowering::branch_at_run_time(const Call& call) {
  const auto* made = call.inputs.front().as<Made>();
  if (made == nullptr || kind_of_leaf({*made}) != ir::TypeKind::Bool) {
    refuse(call.node, "its condition is " + describe(call.inputs.front()));
  }
  std::array<Items, 2> given;
  std::array<Items, 2> leaves;
  std::vector<Builder::Block> blocks(2);
  for (size_t b = 0; b < 2; ++b) {
    const torch::jit::Block& block = *call.node.blocks()[b];
    builder_.open_block();
    run_block(block, call.values);
    for (const torch::jit::Value* output : block.outputs()) {
      given[b].push_back(call.values.at(output));
    }
    leaves[b] = flattened(given[b]);
    blocks[b].name = b == 0 ? "then" : "otherwise";
    for (const Item& leaf : leaves[b]) {
      blocks[b].outputs.push_back(leaf_arg(call, leaf));
    }
    blocks[b].nodes = builder_.close_block();
  }
  if (!std::ranges::equal(given[0], given[1], same_structure)) {
    refuse(
        call.node,
        "its branches give lists of other lengths or other structures");
  }
  Items results;
  std::vector<Made> made_values;
  std::array<std::vector<ir::Arg>, 2> outputs;
  for (size_t i = 0; i < leaves[0].size(); ++i) {
    const Item& a = leaves[0][i];
    const Item& b = leaves[1][i];
    if (is_same_constant(a, b)) {
      results.push_back(a);
      continue;
    }
    const auto kind = kind_of_leaf(a);
    if (!kind || kind != kind_of_leaf(b)) {
      refuse(
          call.node,
          "one branch gives " + describe(a) + " and the other " + describe(b));
    }
    made_values.push_back(builder_.add_value("if", *kind, common_hint(a, b)));
    results.push_back({made_values.back()});
    outputs[0].push_back(blocks[0].outputs[i]);
    outputs[1].push_back(blocks[1].outputs[i]);
  }
  blocks[0].outputs = std::move(outputs[0]);
  blocks[1].outputs = std::move(outputs[1]);
  builder_.add_control_flow(
      "prim::If", {{ir::Ref{made->id}}}, {}, blocks, made_values);
  Items out;
  size_t next = 0;
  for (const Item& item : given[0]) {
    out.push_back(rebuild(item, results, next, builder_.block_depth()));
  }
  return out;
}

/// A value that leaves a block; None stands for what can't, and is refused
/// unless it is the same on both sides.
ir::Arg Lowering::leaf_arg(const Call& call, const Item& leaf) {
  if (!kind_of_leaf(leaf)) {
    return {ir::None{}};
  }
  try {
    return builder_.to_arg(leaf, nullptr);
  } catch (const Error& error) {
    refuse(call.node, error.what());
  }
}

// --- loops ---

/// Times a loop over a list runs whose length only follows from what is made
/// of it: each turn appends to a list that is taken apart afterwards.
std::optional<int64_t> Lowering::trip_count(const Call& call) const {
  const auto known = try_constant(call.inputs[0]);
  if (known && known->isInt()) {
    return std::max<int64_t>(known->toInt(), 0);
  }
  const auto* length = call.inputs[0].as<Length>();
  const torch::jit::Block& body = *call.node.blocks()[0];
  if (length != nullptr && call.node.outputs().empty()) {
    for (const torch::jit::Node* inner : body.nodes()) {
      if (inner->kind() != c10::aten::append) {
        continue;
      }
      const Item& list = call.values.at(inner->input(0));
      if (list.compound() == nullptr || !list.compound()->items.empty()) {
        continue;
      }
      for (const torch::jit::Use& use : inner->input(0)->uses()) {
        if (use.user->kind() == c10::prim::ListUnpack) {
          return static_cast<int64_t>(use.user->outputs().size());
        }
      }
    }
  }
  return std::nullopt;
}

std::optional<Lowering::Items> Lowering::loop(const Call& call) {
  const torch::jit::Block& body = *call.node.blocks()[0];
  const auto most = trip_count(call);
  Items carried(call.inputs.begin() + 2, call.inputs.end());
  if (!most) {
    return loop_at_run_time(call, call.inputs[0], call.inputs[1], carried);
  }
  if (const auto* length = call.inputs[0].as<Length>()) {
    builder_.settle(*length->list, static_cast<size_t>(*most));
  }
  Item condition = call.inputs[1];
  for (int64_t turn = 0; turn < *most; ++turn) {
    const auto go_on = try_constant(condition);
    if (!go_on || !go_on->isBool()) {
      if (*most != kForever) {
        refuse(
            call.node,
            "it ends after a known number of turns or earlier, by what is "
            "computed; write it as a while loop, or trace the model");
      }
      return loop_at_run_time(call, call.inputs[0], condition, carried);
    }
    if (!go_on->toBool()) {
      return carried;
    }
    call.values[body.inputs()[0]] = Item{Fixed{turn}};
    for (size_t i = 0; i < carried.size(); ++i) {
      call.values[body.inputs()[i + 1]] = carried[i];
    }
    run_block(body, call.values);
    condition = call.values.at(body.outputs()[0]);
    for (size_t i = 0; i < carried.size(); ++i) {
      carried[i] = call.values.at(body.outputs()[i + 1]);
    }
    // A while loop that computes nothing would never end here.
    if (static_cast<size_t>(turn) > kMostTurns) {
      refuse(call.node, "it runs more than a million times");
    }
  }
  return carried;
}

Lowering::Items Lowering::loop_at_run_time(
    const Call& call,
    const Item& most,
    const Item& condition,
    const Items& carried) {
  if (kind_of_leaf(most) != ir::TypeKind::Int ||
      kind_of_leaf(condition) != ir::TypeKind::Bool) {
    refuse(call.node, "how often it runs is " + describe(most));
  }
  const Items initial = flattened(carried);
  for (const Item& leaf : initial) {
    if (!kind_of_leaf(leaf)) {
      refuse(
          call.node,
          "it carries " + describe(leaf) +
              " from turn to turn; tensors and numbers are supported");
    }
  }
  // A turn may change what a tensor is like: then nothing is known of it.
  std::vector<bool> keeps_hint(initial.size(), true);
  while (true) {
    LoopBody body = lower_body(call, carried, initial, keeps_hint);
    bool changed = false;
    for (size_t i = 0; i < initial.size(); ++i) {
      if (keeps_hint[i] && !common_hint(initial[i], body.results[i])) {
        changed = changed || builder_.try_hint(initial[i]).has_value();
        keeps_hint[i] = false;
      }
    }
    if (!changed) {
      return add_loop(call, most, condition, carried, initial, std::move(body));
    }
  }
}

Lowering::LoopBody Lowering::lower_body(
    const Call& call,
    const Items& carried,
    const Items& initial,
    const std::vector<bool>& keeps_hint) {
  const torch::jit::Block& body = *call.node.blocks()[0];
  LoopBody out;
  out.block.name = "body";
  builder_.open_block();
  const auto add_input = [&](std::string_view stem,
                             ir::TypeKind kind,
                             const std::optional<c10::IValue>& hint) {
    const Made made = builder_.add_value(stem, kind, hint);
    out.block.inputs.push_back(made.id);
    return Item{made};
  };
  call.values[body.inputs()[0]] =
      add_input("turn", ir::TypeKind::Int, std::nullopt);
  Items leaves;
  for (size_t i = 0; i < initial.size(); ++i) {
    const ir::TypeKind kind = *kind_of_leaf(initial[i]);
    const bool tensor = kind == ir::TypeKind::Tensor && keeps_hint[i];
    leaves.push_back(add_input(
        "carried",
        kind,
        tensor ? builder_.try_hint(initial[i]) : std::nullopt));
  }
  size_t next = 0;
  for (size_t i = 0; i < carried.size(); ++i) {
    call.values[body.inputs()[i + 1]] =
        rebuild(carried[i], leaves, next, builder_.block_depth());
  }
  run_block(body, call.values);
  out.block.outputs.push_back(
      leaf_arg(call, call.values.at(body.outputs()[0])));
  Items given;
  for (size_t i = 0; i < carried.size(); ++i) {
    given.push_back(call.values.at(body.outputs()[i + 1]));
  }
  if (!std::ranges::equal(given, carried, same_structure)) {
    refuse(call.node, "a turn changes the length of a list that it carries");
  }
  out.results = flattened(given);
  for (size_t i = 0; i < initial.size(); ++i) {
    if (kind_of_leaf(out.results[i]) != kind_of_leaf(initial[i])) {
      refuse(
          call.node,
          "a turn makes " + describe(out.results[i]) + " of " +
              describe(initial[i]));
    }
    out.block.outputs.push_back(leaf_arg(call, out.results[i]));
  }
  out.block.nodes = builder_.close_block();
  return out;
}

Lowering::Items Lowering::add_loop(
    const Call& call,
    const Item& most,
    const Item& condition,
    const Items& carried,
    const Items& initial,
    LoopBody body) {
  std::vector<ir::Arg> operands;
  std::vector<Made> made;
  Items results;
  for (size_t i = 0; i < initial.size(); ++i) {
    operands.push_back(leaf_arg(call, initial[i]));
    made.push_back(builder_.add_value(
        "loop",
        *kind_of_leaf(initial[i]),
        common_hint(initial[i], body.results[i])));
    results.push_back({made.back()});
  }
  builder_.add_control_flow(
      "prim::Loop",
      {leaf_arg(call, most), leaf_arg(call, condition)},
      operands,
      {std::move(body.block)},
      made);
  Items out;
  size_t next = 0;
  for (const Item& item : carried) {
    out.push_back(rebuild(item, results, next, builder_.block_depth()));
  }
  return out;
}

}  // namespace pp::ts
