#include "loader/torchscript/lower/open_lists.h"

#include <vector>

#include "loader/core/error.h"
#include "loader/ir/operator_parts.h"
#include "loader/torchscript/lower/values.h"

namespace pp::ts {

void settle_length(Lowering& lowering, Container& list, size_t length) {
  if (!list.open_node) {
    return;
  }
  if (list.block_depth != lowering.block_depth()) {
    throw input_error(
        "a branch or loop unpacks a list of unknown length that was made "
        "outside it, which is not supported");
  }
  const size_t position = *list.open_node;
  const std::string stem(
      ir::operator_parts(lowering.graph.nodes[position].target).name);
  for (size_t i = 0; i < length; ++i) {
    const GraphValue added = add_value(lowering, stem, ir::TypeKind::Tensor);
    lowering.graph.nodes[position].outputs.front().ids.push_back(added.id);
    list.items.push_back({added});
  }
  if (length > 0) {
    ir::Node& node = lowering.graph.nodes[position];
    node.name = lowering.value(node.outputs.front().ids.front()).name;
  }
  list.open_node.reset();
  lowering.open_nodes.erase(position);
}

void drop_open_nodes(Lowering& lowering) {
  for (const size_t position : lowering.open_nodes) {
    lowering.graph.nodes[position].target.clear();
  }
  std::erase_if(lowering.graph.nodes, [](const ir::Node& node) {
    return node.target.empty();
  });
  lowering.open_nodes.clear();
}

}  // namespace pp::ts
