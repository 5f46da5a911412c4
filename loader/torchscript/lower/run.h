#pragma once

#include <torch/csrc/jit/api/module.h>

#include "loader/torchscript/lower/node_call.h"

// Walks the code of a model as an interpreter would: calls are followed, and
// each node is lowered where it would be executed.
namespace pp::ts {

/// Lowers the module's forward, called with `inputs`.
/// returns  what forward returns
/// throws   Error(Input) that names the operator, its module and its place in
///          the source
Item lower_forward(
    Lowering& lowering, const torch::jit::Module& module, const Items& inputs);

/// Lowers the code of a function, called with `inputs`; returns its results.
/// throws Error(Input): it has no code, or calls are nested too deeply
Items lower_function(
    Lowering& lowering, torch::jit::Function& function, const Items& inputs);

/// Lowers the nodes of a block and adds what they return to `values`.
void lower_block(
    Lowering& lowering, const torch::jit::Block& block, CodeValues& values);

/// Returns the items of the block's outputs. Call it after lower_block().
Items block_outputs(const torch::jit::Block& block, const CodeValues& values);

/// "__torch__.torch.nn.modules.linear.___torch_mangle_3.Linear"
/// -> "torch.nn.modules.linear.Linear"
std::string python_name(const c10::ClassType& type);

}  // namespace pp::ts
