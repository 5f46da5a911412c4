#include "loader/torchscript/lower/checks.h"

#include <algorithm>

#include <torch/csrc/jit/api/function_impl.h>

namespace pp::ts {

namespace {

bool is_raise(const torch::jit::Node& node) {
  return node.kind() == c10::prim::RaiseException;
}

/// Whether a block, with its inner blocks, only reads and raises.
bool changes_nothing(const torch::jit::Block& block) {
  return std::ranges::all_of(block.nodes(), [](const torch::jit::Node* node) {
    if (!node->blocks().empty()) {  // a branch or a loop
      return std::ranges::all_of(
          node->blocks(), [](const torch::jit::Block* inner) {
            return changes_nothing(*inner);
          });
    }
    const c10::FunctionSchema* schema = node->maybeSchema();
    return is_raise(*node) || (!node->hasSideEffects() &&
                               (schema == nullptr || !schema->is_mutable()));
  });
}

}  // namespace

bool only_raises(const torch::jit::Block& block) {
  return std::ranges::any_of(block.nodes(), [](const torch::jit::Node* node) {
    return is_raise(*node);
  });
}

bool only_checks(const torch::jit::Node& branch) {
  return branch.outputs().empty() &&
         std::ranges::all_of(
             branch.blocks(), [](const torch::jit::Block* block) {
               return changes_nothing(*block);
             });
}

bool only_checks(torch::jit::Function& function) {
  auto* code = torch::jit::tryToGraphFunction(function);
  if (code == nullptr) {
    return false;
  }
  const auto graph = code->graph();
  return graph->outputs().size() == 1 &&
         graph->outputs().front()->type()->kind() == c10::TypeKind::NoneType &&
         changes_nothing(*graph->block());
}

}  // namespace pp::ts
