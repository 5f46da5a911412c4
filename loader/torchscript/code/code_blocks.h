#pragma once

#include "loader/torchscript/code/code_values.h"

namespace pp::ts {

/// Adds a prim::If or prim::Loop to the code, with its blocks.
void add_code_control_flow(CodeDraft& draft, const ir::Node& node);

}  // namespace pp::ts
