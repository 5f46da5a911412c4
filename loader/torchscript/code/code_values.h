#pragma once

#include <memory>
#include <vector>

#include <ATen/core/jit_type.h>
#include <torch/csrc/jit/ir/ir.h>

#include "loader/ir/graph.h"

// The code that is being written, and the values and constants in it.
namespace pp::ts {

/// The state of writing a graph as code.
struct CodeDraft {
  const ir::Graph* graph;  ///< the graph or block being written
  std::shared_ptr<torch::jit::Graph> code;
  std::vector<torch::jit::Value*> values;  ///< values of `graph`, by ValueId

  torch::jit::Value*& value(ir::ValueId id) {
    return values[static_cast<size_t>(id)];
  }
  const ir::Type& type_of(ir::ValueId id) const {
    return graph->values[static_cast<size_t>(id)].type;
  }
};

/// The TorchScript type of a value of the graph.
c10::TypePtr code_type(const ir::Type& type);

/// The TorchScript type for a type of a schema, in which symbolic integers are
/// plain integers.
c10::TypePtr code_type(const c10::TypePtr& type);

/// Returns the value for an argument of a node: a value of the graph, or a
/// constant or list that is added to the code.
/// type   the type that the operator's schema expects, or null
/// throws Error(Input): the argument is a subgraph
torch::jit::Value* to_code_value(
    CodeDraft& draft, const ir::Arg& arg, const c10::TypePtr& type);

}  // namespace pp::ts
