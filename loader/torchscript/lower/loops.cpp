#include "loader/torchscript/lower/loops.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include "loader/torchscript/lower/blocks.h"
#include "loader/torchscript/lower/hints.h"
#include "loader/torchscript/lower/leaves.h"
#include "loader/torchscript/lower/limits.h"
#include "loader/torchscript/lower/open_lists.h"
#include "loader/torchscript/lower/run.h"
#include "loader/torchscript/lower/values.h"

namespace pp::ts {

namespace {

/// The limit that TorchScript writes for a `while`, which has none.
constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

/// Container::why_fixed of a list that a loop carries.
constexpr const char* kIsCarried =
    "a list or dictionary that the loop carries from one iteration to the "
    "next; its contents would be unknown, because the number of iterations "
    "isn't known before the model runs; write into a tensor, or trace the "
    "model";

/// A loop that becomes a node, because its limit or its condition is computed.
struct GraphLoop {
  const Item& limit;      ///< maximum number of iterations
  const Item& condition;  ///< whether there is a first iteration
  const Items& carried;   ///< the items that the first iteration receives
  Items initial;          ///< the leaves of `carried`
};

/// The body of a GraphLoop.
struct LoopBody {
  BlockDraft block;
  Items carried;   ///< the items that an iteration receives
  Items returned;  ///< the items that the next iteration receives
  Items results;   ///< the leaves of `returned`
};

/// The length of a list that the loop appends to, if code after the loop
/// unpacks the list. It is also the number of iterations of a loop over an open
/// list.
std::optional<int64_t> try_unpacked_length(const NodeCall& call) {
  for (const torch::jit::Node* inner : call.node.blocks()[0]->nodes()) {
    if (inner->kind() != c10::aten::append) {
      continue;
    }
    const auto list = call.values.find(inner->input(0));
    if (list == call.values.end()) {
      continue;  // the list is made in the body
    }
    if (list->second.container() == nullptr ||
        !list->second.container()->items.empty()) {
      continue;
    }
    for (const torch::jit::Use& use : inner->input(0)->uses()) {
      if (use.user->kind() == c10::prim::ListUnpack) {
        return static_cast<int64_t>(use.user->outputs().size());
      }
    }
  }
  return std::nullopt;
}

/// The maximum number of iterations; nullopt if the model computes it.
std::optional<int64_t> try_limit(const NodeCall& call) {
  const auto known = try_int(call.inputs[0]);
  if (known) {
    return std::max<int64_t>(*known, 0);
  }
  return call.inputs[0].as<ListLength>() != nullptr &&
                 call.node.outputs().empty()
             ? try_unpacked_length(call)
             : std::nullopt;
}

/// Opens the block of the body and adds its inputs: the iteration number and
/// the carried values.
void open_body(
    const NodeCall& call,
    const GraphLoop& loop,
    const std::vector<bool>& keeps_hint,
    LoopBody& out) {
  Lowering& lowering = call.lowering;
  const auto inputs = call.node.blocks()[0]->inputs();
  out.block.name = "body";
  open_block(lowering, BlockKind::LoopBody);
  const auto add_input = [&](std::string_view stem,
                             ir::TypeKind kind,
                             const std::optional<c10::IValue>& hint) {
    const GraphValue added = add_value(lowering, stem, kind, hint);
    out.block.inputs.push_back(added.id);
    return Item{added};
  };
  call.values[inputs[0]] = add_input("turn", ir::TypeKind::Int, std::nullopt);
  Items leaves;
  for (size_t i = 0; i < loop.initial.size(); ++i) {
    const ir::TypeKind kind = *try_leaf_kind(lowering, loop.initial[i]);
    const bool has_hint = kind == ir::TypeKind::Tensor && keeps_hint[i];
    leaves.push_back(add_input(
        "carried",
        kind,
        has_hint ? try_hint(lowering, loop.initial[i]) : std::nullopt));
  }
  out.carried = rebuild(lowering, loop.carried, leaves);
  for (size_t i = 0; i < out.carried.size(); ++i) {
    fix_containers(out.carried[i], kIsCarried);
    call.values[inputs[i + 1]] = out.carried[i];
  }
}

/// Adds the body's outputs (whether there is another iteration, then the
/// carried values), and closes its block.
void close_body(const NodeCall& call, const GraphLoop& loop, LoopBody& out) {
  Items outputs = block_outputs(*call.node.blocks()[0], call.values);
  out.block.outputs.push_back(leaf_arg(call, outputs.front()));
  outputs.erase(outputs.begin());
  if (!have_same_structure(outputs, loop.carried)) {
    refuse(
        call,
        "an iteration changes the length or structure of a list or "
        "dictionary; both must be the same after every iteration");
  }
  for (const Item& item : outputs) {
    count_items(item, call.lowering.steps);
  }
  out.results = flatten(outputs);
  out.returned = std::move(outputs);
  for (size_t i = 0; i < loop.initial.size(); ++i) {
    if (try_leaf_kind(call.lowering, out.results[i]) !=
        try_leaf_kind(call.lowering, loop.initial[i])) {
      refuse(
          call,
          "an iteration changes a value from " + describe(loop.initial[i]) +
              " to " + describe(out.results[i]) +
              "; its type must stay the same");
    }
    out.block.outputs.push_back(leaf_arg(call, out.results[i]));
  }
  out.block.nodes = close_block(call.lowering);
}

/// keeps_hint  for each carried leaf: whether its hint from before the loop
///             holds in every iteration
LoopBody lower_body(
    const NodeCall& call,
    const GraphLoop& loop,
    const std::vector<bool>& keeps_hint) {
  LoopBody out;
  open_body(call, loop, keeps_hint, out);
  lower_block(call.lowering, *call.node.blocks()[0], call.values);
  close_body(call, loop, out);
  return out;
}

/// Returns the results of the loop. A list that all iterations keep stays that
/// list.
Items loop_results(
    const NodeCall& call,
    const GraphLoop& loop,
    const LoopBody& body,
    const Items& leaves) {
  Items out = rebuild(call.lowering, loop.carried, leaves);
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i].container() == nullptr) {
      continue;
    }
    if (is_same_item(body.carried[i], body.returned[i])) {
      out[i] = loop.carried[i];
    } else {
      for (const Item& item : {out[i], loop.carried[i], body.returned[i]}) {
        fix_containers(item, kMayBeAnother);
      }
    }
  }
  return out;
}

/// Whether every iteration returns a carried leaf unchanged.
bool is_unchanged(const GraphLoop& loop, const LoopBody& body, size_t leaf) {
  const auto* returned = body.results[leaf].as<GraphValue>();
  return loop.initial[leaf].as<GraphValue>() != nullptr &&
         returned != nullptr && returned->id == body.block.inputs[leaf + 1];
}

/// Adds the node that owns the body. Its operands are the carried leaves, and
/// then those that no iteration changes, which are only read.
Items add_loop_node(
    const NodeCall& call, const GraphLoop& loop, const LoopBody& body) {
  Lowering& lowering = call.lowering;
  BlockDraft block = body.block;
  block.inputs = {body.block.inputs.front()};
  block.outputs = {body.block.outputs.front()};
  std::vector<ir::Arg> operands;
  std::vector<ir::Arg> unchanged;
  std::vector<ir::ValueId> unchanged_inputs;
  std::vector<GraphValue> results;
  Items leaves;
  for (size_t i = 0; i < loop.initial.size(); ++i) {
    const Item& initial = loop.initial[i];
    if (is_unchanged(loop, body, i)) {
      unchanged.push_back(leaf_arg(call, initial));
      unchanged_inputs.push_back(body.block.inputs[i + 1]);
      leaves.push_back(initial);
      continue;
    }
    block.inputs.push_back(body.block.inputs[i + 1]);
    block.outputs.push_back(body.block.outputs[i + 1]);
    operands.push_back(leaf_arg(call, initial));
    results.push_back(add_value(
        lowering,
        "loop",
        *try_leaf_kind(lowering, initial),
        try_common_hint(lowering, initial, body.results[i])));
    leaves.push_back({results.back()});
  }
  std::ranges::move(unchanged, std::back_inserter(operands));
  std::ranges::copy(unchanged_inputs, std::back_inserter(block.inputs));
  add_control_flow(
      lowering,
      "prim::Loop",
      {leaf_arg(call, loop.limit), leaf_arg(call, loop.condition)},
      operands,
      {block},
      results);
  return loop_results(call, loop, body, leaves);
}

void check_supported(const NodeCall& call, const GraphLoop& loop) {
  if (try_leaf_kind(call.lowering, loop.limit) != ir::TypeKind::Int ||
      try_leaf_kind(call.lowering, loop.condition) != ir::TypeKind::Bool) {
    refuse(
        call,
        "its number of iterations is " + describe(loop.limit) +
            " and its condition is " + describe(loop.condition) +
            "; they must be an integer and a bool");
  }
  for (const Item& leaf : loop.initial) {
    if (!try_leaf_kind(call.lowering, leaf)) {
      refuse(
          call,
          "it carries " + describe(leaf) +
              " from one iteration to the next; only tensors and numbers are "
              "supported");
    }
  }
}

/// Lowers a loop whose number of iterations is computed.
Items add_loop(
    const NodeCall& call,
    const Item& limit,
    const Item& condition,
    const Items& carried) {
  for (const Item& item : carried) {
    count_items(item, call.lowering.steps);
  }
  const GraphLoop loop{limit, condition, carried, flatten(carried)};
  check_supported(call, loop);
  // An iteration may change the sizes of a carried tensor, or quantise tensors
  // that the next iteration receives. In both cases, lower the body again, with
  // what is now known.
  std::vector<bool> keeps_hint(loop.initial.size(), true);
  while (true) {
    const bool had_quantised = call.lowering.has_quantised;
    const LoopBody body = lower_body(call, loop, keeps_hint);
    bool changed = call.lowering.has_quantised != had_quantised;
    for (size_t i = 0; i < loop.initial.size(); ++i) {
      const Item& initial = loop.initial[i];
      if (keeps_hint[i] &&
          !try_common_hint(call.lowering, initial, body.results[i])) {
        changed = changed || try_hint(call.lowering, initial).has_value();
        keeps_hint[i] = false;
      }
    }
    if (!changed) {
      return add_loop_node(call, loop, body);
    }
  }
}

}  // namespace

std::optional<Items> lower_loop(const NodeCall& call) {
  const torch::jit::Block& body = *call.node.blocks()[0];
  const auto limit = try_limit(call);
  Items carried(call.inputs.begin() + 2, call.inputs.end());
  if (!limit) {
    return add_loop(call, call.inputs[0], call.inputs[1], carried);
  }
  if (const auto* length = call.inputs[0].as<ListLength>()) {
    settle_length(call.lowering, *length->list, static_cast<size_t>(*limit));
  }
  Item condition = call.inputs[1];
  for (int64_t iteration = 0; iteration < *limit; ++iteration) {
    const auto continues = try_constant(condition);
    if (!continues || !continues->isBool()) {
      if (*limit != kNoLimit) {
        refuse(
            call,
            "a computed condition may end the loop early, although its number "
            "of iterations is known; write it as a while loop, or trace the "
            "model");
      }
      return add_loop(call, call.inputs[0], condition, carried);
    }
    if (!continues->toBool()) {
      return carried;
    }
    call.lowering.steps.add(1);
    call.values[body.inputs()[0]] = constant_item(iteration);
    for (size_t i = 0; i < carried.size(); ++i) {
      call.values[body.inputs()[i + 1]] = carried[i];
    }
    lower_block(call.lowering, body, call.values);
    carried = block_outputs(body, call.values);
    condition = carried.front();
    carried.erase(carried.begin());
    if (static_cast<size_t>(iteration) > kMaxIterations) {
      refuse(
          call,
          "it runs more than " + std::to_string(kMaxIterations) +
              " times, the limit for a loop that is unrolled");
    }
  }
  return carried;
}

}  // namespace pp::ts
