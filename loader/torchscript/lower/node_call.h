#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include <torch/csrc/jit/ir/ir.h>

#include "loader/torchscript/lower/lowering.h"

namespace pp::ts {

/// For each value in one function's TorchScript code: the item it stands for.
using CodeValues = std::unordered_map<const torch::jit::Value*, Item>;

/// One node of TorchScript code that is being lowered.
struct NodeCall {
  Lowering& lowering;
  const torch::jit::Node& node;
  const Items& inputs;  ///< one per input of the node
  CodeValues& values;   ///< the values of the function that contains the node
};

/// Lowers one kind of node.
/// returns  one item per output of the node; nullopt if the handler doesn't
///          cover the case, so that the node is lowered as an operator
/// throws   Error(Input), see refuse()
using NodeHandler = std::optional<Items> (*)(const NodeCall& call);

/// Throws Error(Input) that names the file, the kind of node, its module and
/// its line in the model's source, and says why the node can't be lowered.
[[noreturn]] void refuse(
    const Lowering& lowering,
    const torch::jit::Node& node,
    const std::string& why);
[[noreturn]] void refuse(const NodeCall& call, const std::string& why);

}  // namespace pp::ts
