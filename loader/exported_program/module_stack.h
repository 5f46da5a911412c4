#pragma once

#include <string>
#include <vector>

#include "loader/core/json_fields.h"
#include "loader/ir/graph.h"

namespace pp::ep {

/// Parses "key,fqn,type;key,fqn,type". Empty for torch's marker of nodes that
/// belong to no module.
/// throws Error(Input) through `fields`
std::vector<ir::ModuleFrame> read_module_stack(
    const std::string& text, const JsonFields& fields);

/// The inverse of read_module_stack().
std::string module_stack_text(const std::vector<ir::ModuleFrame>& frames);

}  // namespace pp::ep
