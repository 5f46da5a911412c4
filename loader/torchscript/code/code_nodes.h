#pragma once

#include <string>
#include <string_view>

#include "loader/torchscript/code/code_values.h"

// Writes nodes of a graph as nodes of code.
namespace pp::ts {

/// Adds the node to the code: an operator of LibTorch, a function on numbers,
/// or control flow (code_blocks.h).
/// throws Error(Input) by refuse_node()
void add_code_node(CodeDraft& draft, const ir::Node& node);

/// Inserts a node of that kind where the code is being written.
torch::jit::Node* insert_code_node(
    CodeDraft& draft,
    std::string_view kind,
    const std::vector<torch::jit::Value*>& inputs,
    size_t num_outputs);

/// Throws Error(Input) that names the node and says why TorchScript can't
/// express it.
[[noreturn]] void refuse_node(const ir::Node& node, const std::string& why);

}  // namespace pp::ts
