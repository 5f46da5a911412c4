#pragma once

#include <string>

#include <torch/csrc/jit/api/module.h>

#include "loader/torchscript/lower/lowering.h"

// Turns the tensors that modules own into states of the graph.
namespace pp::ts {

/// Adds a state for each tensor of a module and its submodules, under the
/// tensor's FQN. Attributes that hold the same tensor share one state.
/// throws  Error(Input): a tensor is sparse, quantised or not in the archive
void add_states(Lowering& lowering, const torch::jit::Module& root);

/// Finds the state that an attribute of an object holds; nullopt if the
/// attribute holds no state.
std::optional<GraphValue> try_find_state(
    const Lowering& lowering,
    const c10::ivalue::Object& object,
    const std::string& attribute);

}  // namespace pp::ts
