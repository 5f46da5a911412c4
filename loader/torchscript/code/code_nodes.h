#pragma once

#include <string>
#include <string_view>

#include "loader/torchscript/code/code_values.h"

// Writes nodes of a graph as nodes of TorchScript code.
namespace pp::ts {

/// Adds a node of the graph to the code: a call of a LibTorch operator, a
/// function on numbers, or control flow (code_blocks.h).
/// throws  Error(Input), see refuse_node()
void add_code_node(CodeDraft& draft, const ir::Node& node);

/// Inserts a node of kind `kind` ("prim::If") at the current position in the
/// code.
torch::jit::Node* insert_code_node(
    CodeDraft& draft,
    std::string_view kind,
    const std::vector<torch::jit::Value*>& inputs,
    size_t num_outputs);

/// Throws Error(Input) that names the node and says why TorchScript can't
/// express the node.
[[noreturn]] void refuse_node(const ir::Node& node, const std::string& why);

}  // namespace pp::ts
