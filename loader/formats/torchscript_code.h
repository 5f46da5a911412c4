#pragma once

#include <memory>

#include <torch/csrc/jit/ir/ir.h>

#include "loader/formats/torchscript_details.h"
#include "loader/formats/torchscript_modules.h"

namespace pp::ts {

/// The graph as the code of a module's forward.
/// returned  how its outputs come back; null: in a tuple
/// throws    Error(Input): a node that TorchScript can't express, by name
std::shared_ptr<torch::jit::Graph> to_code(
    const ir::Graph& graph, ModuleTree& modules, const Returned* returned);

}  // namespace pp::ts
