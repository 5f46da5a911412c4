#pragma once

#include <memory>

#include <torch/csrc/jit/ir/ir.h>

#include "loader/torchscript/code/module_tree.h"
#include "loader/torchscript/returned.h"

namespace pp::ts {

/// Converts the graph to the code of a module's forward.
/// returned  the structure that forward returns; null for a tuple of the
///           outputs
/// throws    Error(Input): TorchScript can't express a node; names it
std::shared_ptr<torch::jit::Graph> to_code(
    const ir::Graph& graph, ModuleTree& modules, const Returned* returned);

}  // namespace pp::ts
