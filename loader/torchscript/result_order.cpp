#include "loader/torchscript/result_order.h"

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "loader/ir/walk.h"

namespace pp::ts {

namespace {

/// New positions: item i of the result is item order[i] of the original.
using Order = std::vector<size_t>;

/// Reorders the items from position `first` on.
template <typename T>
void reorder(std::vector<T>& items, size_t first, const Order& order) {
  if (first + order.size() > items.size()) {
    return;  // the lowering makes no such node
  }
  std::vector<T> moved;
  moved.reserve(order.size());
  for (const size_t from : order) {
    moved.push_back(items[first + from]);
  }
  std::ranges::move(moved, items.begin() + static_cast<std::ptrdiff_t>(first));
}

/// For each value, when it is first read: by a node after `first_node`, a
/// mutation or an output of the graph.
std::map<ir::ValueId, size_t> first_uses(
    const ir::Graph& graph, size_t first_node) {
  std::map<ir::ValueId, size_t> uses;
  const auto note = [&](ir::ValueId id) { uses.emplace(id, uses.size()); };
  for (size_t i = first_node; i < graph.nodes.size(); ++i) {
    std::ranges::for_each(ir::reads_of(graph.nodes[i]), note);
  }
  for (const ir::Mutation& mutation : graph.mutations) {
    note(mutation.value);
  }
  for (const ir::Output& output : graph.outputs) {
    ir::for_each_ref(output.value, note);
  }
  return uses;
}

/// The order of values by their first uses; values that are not used come last.
Order order_of(
    const std::vector<ir::ValueId>& values,
    const std::map<ir::ValueId, size_t>& uses) {
  Order order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto use_of = [&](size_t index) {
    const auto found = uses.find(values[index]);
    return found == uses.end() ? uses.size() : found->second;
  };
  std::ranges::stable_sort(order, {}, use_of);
  return order;
}

/// A branch or loop, and where its parts are.
class ControlFlow {
 public:
  explicit ControlFlow(ir::Node& node) : node_(node) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (const auto* sub =
              std::get_if<ir::SubGraph>(&node.inputs[i].arg.value)) {
        positions_.push_back(i);
        blocks_.push_back(*sub->graph);
      }
    }
  }

  bool has_blocks() const { return !blocks_.empty(); }

  void order_results(const std::map<ir::ValueId, size_t>& uses) {
    std::vector<ir::ValueId> results;
    for (const ir::NodeOutput& output : node_.outputs) {
      results.push_back(output.ids.empty() ? ir::kNoValue : output.ids.front());
    }
    const Order order = order_of(results, uses);
    reorder(node_.outputs, 0, order);
    if (is_loop()) {  // a carried value is an operand, input and output
      reorder(node_.inputs, first_operand(), order);
    }
    for (ir::Graph& block : blocks_) {
      reorder(block.outputs, is_loop() ? 1 : 0, order);
      if (is_loop()) {
        reorder(block.inputs, 1, order);
      }
    }
  }

  void order_blocks() {
    for (ir::Graph& block : blocks_) {
      block = in_order_of_use(std::move(block));
    }
  }

  /// Orders the values that the blocks only read, which are the last operands.
  void order_reads() {
    const size_t num_carried = is_loop() ? node_.outputs.size() : 0;
    const size_t first = first_operand() + num_carried;
    if (first > node_.inputs.size()) {
      return;
    }
    const size_t count = node_.inputs.size() - first;
    const size_t first_input = is_loop() ? num_carried + 1 : 0;
    std::map<ir::ValueId, size_t> uses;  // by position among the reads
    for (const ir::Graph& block : blocks_) {
      if (block.inputs.size() != first_input + count) {
        return;  // the lowering makes no such node
      }
      const auto inner = first_uses(block, 0);
      std::vector<std::pair<size_t, ir::ValueId>> used;
      for (size_t i = 0; i < count; ++i) {
        const auto found = inner.find(block.inputs[first_input + i].value);
        if (found != inner.end()) {
          used.emplace_back(found->second, static_cast<ir::ValueId>(i));
        }
      }
      std::ranges::sort(used);
      for (const auto& [use, position] : used) {
        uses.emplace(position, uses.size());
      }
    }
    std::vector<ir::ValueId> positions(count);
    std::iota(positions.begin(), positions.end(), ir::ValueId{0});
    const Order order = order_of(positions, uses);
    reorder(node_.inputs, first, order);
    for (ir::Graph& block : blocks_) {
      reorder(block.inputs, first_input, order);
    }
  }

  void store_blocks() {
    for (size_t i = 0; i < blocks_.size(); ++i) {
      std::get<ir::SubGraph>(node_.inputs[positions_[i]].arg.value).graph =
          std::make_shared<const ir::Graph>(std::move(blocks_[i]));
    }
  }

 private:
  bool is_loop() const { return node_.target == "prim::Loop"; }
  size_t first_operand() const { return positions_.back() + 1; }

  ir::Node& node_;
  std::vector<size_t> positions_;  ///< of the blocks among the operands
  std::vector<ir::Graph> blocks_;
};

}  // namespace

ir::Graph in_order_of_use(ir::Graph graph) {
  // Begin with the last node, because the order in which a node reads values
  // decides the order of earlier results.
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    ControlFlow flow(graph.nodes[i]);
    if (!flow.has_blocks()) {
      continue;
    }
    flow.order_results(first_uses(graph, i + 1));
    flow.order_blocks();
    flow.order_reads();
    flow.store_blocks();
  }
  return graph;
}

}  // namespace pp::ts
