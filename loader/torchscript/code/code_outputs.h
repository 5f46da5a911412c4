#pragma once

#include <torch/csrc/jit/api/compilation_unit.h>

#include "loader/torchscript/code/code_values.h"
#include "loader/torchscript/returned.h"

namespace pp::ts {

/// Adds the return value of forward to the code: the outputs in the structure
/// `returned`, or, if `returned` is null, in a tuple.
/// unit  receives the types of named tuples
void add_code_outputs(
    CodeDraft& draft,
    torch::jit::CompilationUnit& unit,
    const Returned* returned);

}  // namespace pp::ts
