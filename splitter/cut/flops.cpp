#include "splitter/cut/flops.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "loader/ir/walk.h"
#include "splitter/cut/operators.h"

namespace pp {

namespace {

const ir::TensorMeta* meta_of(const ir::Graph& graph, ir::ValueId id) {
  if (id == ir::kNoValue || !graph.values[id].tensor) {
    return nullptr;
  }
  return &*graph.values[id].tensor;
}

/// Size of the dimension that is `back` before the last one; 1 if the tensor
/// has no such dimension.
uint64_t from_last(const ir::TensorMeta& meta, size_t back) {
  if (meta.sizes.size() <= back) {
    return 1;
  }
  const int64_t size = meta.sizes[meta.sizes.size() - 1 - back].value;
  return static_cast<uint64_t>(std::max<int64_t>(size, 0));
}

/// 2 * out * inner, where `inner` is the last dimension of the left operand.
uint64_t product_flops(
    const ir::Graph& graph,
    const ir::Node& node,
    std::string_view left,
    size_t position) {
  const auto* operand = meta_of(graph, argument_value(node, left, position));
  const auto outputs = ir::defines_of(node);
  const auto* out = outputs.empty() ? nullptr : meta_of(graph, outputs.front());
  return operand == nullptr || out == nullptr
             ? 0
             : 2 * num_elements(*out) * from_last(*operand, 0);
}

uint64_t convolution_flops(const ir::Graph& graph, const ir::Node& node) {
  const auto* input = meta_of(graph, argument_value(node, "input", 0));
  const auto* weight = meta_of(graph, argument_value(node, "weight", 1));
  const auto outputs = ir::defines_of(node);
  const auto* out = outputs.empty() ? nullptr : meta_of(graph, outputs.front());
  if (input == nullptr || weight == nullptr || out == nullptr ||
      weight->sizes.empty() || weight->sizes[0].value <= 0) {
    return 0;
  }
  bool transposed =
      operator_name(node.target).find("transpose") != std::string_view::npos;
  for (const ir::NamedArg& arg : node.inputs) {
    if (const auto* flag = std::get_if<bool>(&arg.arg.value);
        flag != nullptr && arg.name == "transposed") {
      transposed = *flag;
    }
  }
  // Multiply-adds per element: of the input if transposed, else of the output.
  const uint64_t per_element =
      num_elements(*weight) / static_cast<uint64_t>(weight->sizes[0].value);
  return 2 * num_elements(transposed ? *input : *out) * per_element;
}

uint64_t attention_flops(const ir::Graph& graph, const ir::Node& node) {
  const auto* query = meta_of(graph, argument_value(node, "query", 0));
  const auto* key = meta_of(graph, argument_value(node, "key", 1));
  const auto* value = meta_of(graph, argument_value(node, "value", 2));
  if (query == nullptr || key == nullptr || value == nullptr) {
    return 0;
  }
  const uint64_t width = from_last(*query, 0);
  const uint64_t rows = width == 0 ? 0 : num_elements(*query) / width;
  return 2 * rows * from_last(*key, 1) * (width + from_last(*value, 0));
}

/// FLOPs of the blocks in an argument: the more expensive side of a branch, or
/// one iteration of a loop.
uint64_t block_flops(const ir::Arg& arg) {
  uint64_t most = 0;
  if (const auto* list = std::get_if<ir::List>(&arg.value)) {
    for (const ir::Arg& item : list->items) {
      most = std::max(most, block_flops(item));
    }
  } else if (const auto* sub = std::get_if<ir::SubGraph>(&arg.value)) {
    for (const ir::Node& node : sub->graph->nodes) {
      most += flops(*sub->graph, node);
    }
  }
  return most;
}

}  // namespace

uint64_t flops(const ir::Graph& graph, const ir::Node& node) {
  constexpr std::array<std::string_view, 9> kConvolutions{
      "conv1d",
      "conv2d",
      "conv3d",
      "conv_transpose1d",
      "conv_transpose2d",
      "conv_transpose3d",
      "convolution",
      "_convolution",
      "conv_tbc"};
  const std::string_view name = operator_name(node.target);
  if (name == "linear") {
    return product_flops(graph, node, "input", 0);
  }
  if (name == "mm" || name == "bmm" || name == "matmul" || name == "mv" ||
      name == "dot") {
    return product_flops(graph, node, "self", 0);
  }
  if (name == "grouped_mm_fallback") {  // each row goes to one expert
    return product_flops(graph, node, "input", 0);
  }
  if (name == "addmm") {
    return product_flops(graph, node, "mat1", 1);
  }
  if (name == "baddbmm") {
    return product_flops(graph, node, "batch1", 1);
  }
  if (std::ranges::find(kConvolutions, name) != kConvolutions.end()) {
    return convolution_flops(graph, node);
  }
  if (name.find("scaled_dot_product") != std::string_view::npos &&
      name.find("backward") == std::string_view::npos) {
    return attention_flops(graph, node);
  }
  uint64_t most = 0;
  for (const ir::NamedArg& input : node.inputs) {
    most = std::max(most, block_flops(input.arg));
  }
  return most;
}

}  // namespace pp
