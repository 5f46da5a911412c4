#include "loader/effects/self_copies.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "loader/ir/edit.h"
#include "loader/ir/operator_parts.h"
#include "loader/ir/walk.h"

namespace pp {

namespace {

/// The value that a node's operand refers to; kNoValue if there is none.
ir::ValueId operand_of(const ir::Node& node, size_t index) {
  if (index >= node.inputs.size()) {
    return ir::kNoValue;
  }
  const auto* ref = std::get_if<ir::Ref>(&node.inputs[index].arg.value);
  return ref == nullptr ? ir::kNoValue : ref->id;
}

}  // namespace

bool returns_its_operand(const ir::Node& node) {
  const ir::ValueId operand = operand_of(node, 0);
  const std::vector<ir::ValueId> results = ir::defines_of(node);
  return ir::updates_in_place(ir::operator_parts(node.target).name) &&
         operand != ir::kNoValue && results.size() == 1 &&
         node.effects.writes == std::vector{operand} &&
         std::ranges::find(
             node.effects.aliases, std::pair(results.front(), operand)) !=
             node.effects.aliases.end();
}

void drop_self_copies(ir::Graph& graph) {
  // For each value, the first one that is the same tensor.
  std::vector<ir::ValueId> same(graph.values.size());
  std::iota(same.begin(), same.end(), ir::ValueId{0});
  std::vector<ir::ValueId> dropped;
  std::erase_if(graph.nodes, [&](const ir::Node& node) {
    if (!returns_its_operand(node)) {
      return false;
    }
    const ir::ValueId result = ir::defines_of(node).front();
    const ir::ValueId operand = same[operand_of(node, 0)];
    same[result] = operand;
    const ir::ValueId source = operand_of(node, 1);
    const bool is_copy_of_itself =
        ir::operator_parts(node.target).name == "copy_" &&
        source != ir::kNoValue && same[source] == operand;
    if (is_copy_of_itself) {
      dropped.push_back(result);
    }
    return is_copy_of_itself;
  });
  if (dropped.empty()) {
    return;
  }
  ir::for_each_id(graph, [&](ir::ValueId& id) {
    if (std::ranges::find(dropped, id) != dropped.end()) {
      id = same[id];
    }
  });
  std::ranges::sort(dropped, std::greater<>());
  for (const ir::ValueId id : dropped) {
    ir::erase_value(graph, id);
  }
}

}  // namespace pp
