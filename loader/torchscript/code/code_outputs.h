#pragma once

#include <torch/csrc/jit/api/compilation_unit.h>

#include "loader/torchscript/code/code_values.h"
#include "loader/torchscript/returned.h"

namespace pp::ts {

/// Adds what forward returns: the outputs in the structure `returned`, or in a
/// tuple if that is null.
/// unit  the types of named tuples are added to it
void add_code_outputs(
    CodeDraft& draft,
    torch::jit::CompilationUnit& unit,
    const Returned* returned);

}  // namespace pp::ts
