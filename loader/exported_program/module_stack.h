#pragma once

#include <string>
#include <vector>

#include "loader/core/json_fields.h"
#include "loader/ir/graph.h"

namespace pp::ep {

/// Parses a module stack such as "key,fqn,type;key,fqn,type". Returns an empty
/// list for torch's marker of nodes that belong to no module.
/// throws  Error(Input) through `fields`: the text is not a module stack
std::vector<ir::ModuleFrame> read_module_stack(
    const std::string& text, const JsonFields& fields);

/// Formats a module stack: the inverse of read_module_stack().
std::string module_stack_text(const std::vector<ir::ModuleFrame>& frames);

}  // namespace pp::ep
