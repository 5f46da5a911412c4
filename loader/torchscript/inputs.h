#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>

#include "loader/ir/input_hints.h"
#include "loader/torchscript/lower/lowering.h"

// The arguments of forward as inputs of the graph.
namespace pp::ts {

/// Meta tensors for the arguments of forward that `hints` names, by position;
/// the others are undefined. Names that forward does not have are ignored.
std::vector<at::Tensor> tensors_from_hints(
    const c10::FunctionSchema& schema, const InputHints& hints);

/// Returns `tensors`, with those that the user described by --input replaced.
/// throws Error(Usage): forward has no such argument
std::vector<at::Tensor> replace_inputs(
    std::vector<at::Tensor> tensors,
    const c10::FunctionSchema& schema,
    const InputHints& hints);

/// Returns the tensors that forward requires and of which `examples` has no
/// sizes.
std::vector<std::string> inputs_without_sizes(
    const c10::FunctionSchema& schema, const std::vector<at::Tensor>& examples);

/// Adds an input for each argument of forward that has no default value, and
/// for each tensor that has an example: an `Optional[Tensor]` with an example
/// counts as passed.
/// examples  meta tensors by position; may be shorter, and some may be
///           undefined
/// returns   an item for each argument, defaults included
/// throws    Error(Input): an argument that is neither a tensor nor a number
Items add_inputs(
    Lowering& lowering,
    const c10::FunctionSchema& schema,
    const std::vector<at::Tensor>& examples);

}  // namespace pp::ts
