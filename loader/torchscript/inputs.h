#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>

#include "loader/ir/input_hints.h"
#include "loader/torchscript/lower/lowering.h"

// Turns the arguments of forward into inputs of the graph.
namespace pp::ts {

/// Creates a meta tensor for each argument of forward that `hints` names. The
/// list is indexed by the argument's position; all other items are undefined.
/// Names that forward lacks are ignored.
std::vector<at::Tensor> tensors_from_hints(
    const c10::FunctionSchema& schema, const InputHints& hints);

/// Returns `tensors` after replacing those that the user described with
/// --input.
/// tensors  a meta tensor per argument of forward, by position
/// hints    the user's descriptions, by name of the argument
/// throws   Error(Usage): forward has no argument of that name
std::vector<at::Tensor> replace_inputs(
    std::vector<at::Tensor> tensors,
    const c10::FunctionSchema& schema,
    const InputHints& hints);

/// Returns the names of the tensors that forward requires and whose sizes are
/// not in `examples`.
std::vector<std::string> inputs_without_sizes(
    const c10::FunctionSchema& schema, const std::vector<at::Tensor>& examples);

/// Adds an input to the graph for each argument of forward that has no default
/// value, and for each tensor that has an example (so an `Optional[Tensor]`
/// with an example counts as passed).
/// examples  meta tensors, by position of the argument; the list may be shorter
///           than forward's, and tensors may be undefined
/// returns   one item per argument, including those with default values
/// throws    Error(Input): an argument is neither a tensor nor a number
Items add_inputs(
    Lowering& lowering,
    const c10::FunctionSchema& schema,
    const std::vector<at::Tensor>& examples);

}  // namespace pp::ts
