#include "loader/torchscript/lower/folding.h"

#include <algorithm>
#include <utility>

#include <torch/csrc/jit/runtime/operator.h>

#include "loader/torchscript/lower/first_text_line.h"
#include "loader/torchscript/lower/types.h"

namespace pp::ts {

namespace {

bool returns_tensors(const torch::jit::Node& node) {
  return std::ranges::any_of(
      node.outputs(), [](const torch::jit::Value* output) {
        return output->type()->kind() == c10::TypeKind::TensorType ||
               is_tensor_list(output->type());
      });
}

bool returns_text(const torch::jit::Node& node) {
  return node.outputs().size() == 1 &&
         node.output()->type()->kind() == c10::TypeKind::StringType;
}

/// A text never blocks a model: nothing but a message may need it.
std::optional<Items> text_or_nothing(const torch::jit::Node& node) {
  return returns_text(node) ? std::optional(Items{Item{Text{}}}) : std::nullopt;
}

}  // namespace

std::optional<Items> try_fold(const NodeCall& call) {
  const torch::jit::Node& node = call.node;
  if (call.inputs.empty() || node.maybeOperator() == nullptr ||
      node.hasAttribute(c10::attr::Subgraph) || !node.blocks().empty() ||
      returns_tensors(node)) {
    return std::nullopt;
  }
  torch::jit::Stack stack;
  for (const Item& input : call.inputs) {
    auto value = try_constant(input);
    if (!value) {
      return text_or_nothing(node);
    }
    stack.push_back(std::move(*value));
  }
  if (node.schema().is_vararg()) {
    stack.emplace_back(static_cast<int64_t>(call.inputs.size()));
  }
  try {
    node.getOperation()(stack);
  } catch (const std::exception& error) {
    if (returns_text(node)) {
      return text_or_nothing(node);
    }
    refuse(call, first_text_line(error.what()));
  }
  Items out;
  for (const c10::IValue& value : stack) {
    out.push_back(item_of(value));
  }
  return out;
}

}  // namespace pp::ts
