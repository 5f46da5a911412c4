#pragma once

#include <memory>

#include <torch/csrc/jit/ir/ir.h>

#include "loader/torchscript/code/module_tree.h"
#include "loader/torchscript/returned.h"

namespace pp::ts {

/// Converts a graph to the TorchScript code of a module's forward.
/// modules   owns the states that the code reads
/// returned  the structure that forward returns; null: a tuple of the outputs
/// throws    Error(Input) naming a node: TorchScript can't express it
std::shared_ptr<torch::jit::Graph> to_code(
    const ir::Graph& graph, ModuleTree& modules, const Returned* returned);

}  // namespace pp::ts
