#pragma once

#include <memory>
#include <vector>

#include <ATen/core/jit_type.h>
#include <torch/csrc/jit/ir/ir.h>

#include "loader/ir/graph.h"

// The TorchScript code that is being written, and its values and constants.
namespace pp::ts {

/// The state of one conversion from a graph to code.
struct CodeDraft {
  const ir::Graph* graph;  ///< the graph or block being written
  std::shared_ptr<torch::jit::Graph> code;
  /// The value in the code for each value of `graph`, by ValueId.
  std::vector<torch::jit::Value*> values;

  torch::jit::Value*& value(ir::ValueId id) {
    return values[static_cast<size_t>(id)];
  }
  const ir::Type& type_of(ir::ValueId id) const {
    return graph->values[static_cast<size_t>(id)].type;
  }
};

/// The TorchScript type of a value that has the type `type` in the graph.
c10::TypePtr code_type(const ir::Type& type);

/// The TorchScript type for a type in an operator's schema. Symbolic integers
/// become plain integers.
c10::TypePtr code_type(const c10::TypePtr& type);

/// Returns the value in the code for an argument of a node. An argument that is
/// not a value of the graph is added to the code as a constant or list.
/// type    the type that the operator's schema expects; null: unknown
/// throws  Error(Input): the argument is a sub-graph
torch::jit::Value* to_code_value(
    CodeDraft& draft, const ir::Arg& arg, const c10::TypePtr& type);

}  // namespace pp::ts
