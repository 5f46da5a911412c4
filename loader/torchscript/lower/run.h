#pragma once

#include <torch/csrc/jit/api/module.h>

#include "loader/torchscript/lower/node_call.h"

// Walks the code of a model as an interpreter would: calls are followed, and
// each node is lowered where it would be executed.
namespace pp::ts {

/// Lowers the forward of a module, called with `inputs`.
/// returns  the value that forward returns
/// throws   Error(Input) naming the operator that can't be lowered, its module
///          and its line in the source
Item lower_forward(
    Lowering& lowering, const torch::jit::Module& module, const Items& inputs);

/// Lowers the code of a function, called with `inputs`. Returns the function's
/// results.
/// throws  Error(Input): the function has no TorchScript code, or calls are
///         nested too deeply
Items lower_function(
    Lowering& lowering, torch::jit::Function& function, const Items& inputs);

/// Lowers the nodes of a block and adds the items of their outputs to `values`.
void lower_block(
    Lowering& lowering, const torch::jit::Block& block, CodeValues& values);

/// Returns the items of a block's outputs. Call this after lower_block().
Items block_outputs(const torch::jit::Block& block, const CodeValues& values);

/// Converts the name of a class to its name in Python:
/// "__torch__.torch.nn.modules.linear.___torch_mangle_3.Linear" becomes
/// "torch.nn.modules.linear.Linear".
std::string python_name(const c10::ClassType& type);

}  // namespace pp::ts
