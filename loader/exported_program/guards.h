#pragma once

#include <span>
#include <string>
#include <vector>

#include "loader/core/json_fields.h"
#include "loader/exported_program/tree.h"

namespace pp::ep {

/// A tensor or number that the user passes, and the names by which guards refer
/// to it.
struct GuardInput {
  std::string argument;  ///< the argument of forward that contains it
  TreePath path;         ///< its path in the tree of (args, kwargs)
  std::string name;      ///< its name as an input of the graph: "options.gain"
};

/// Reads the conditions under which a program was exported (`guards_code`). The
/// file refers to an input by its path in the arguments of forward, as in
/// "L['options']['gain'].size()[0] > 1". The returned conditions refer to an
/// input by GuardInput::name, as in "L['options.gain'].size()[0] > 1".
/// throws  Error(Input): the field isn't a list of strings
std::vector<std::string> read_guards(
    const JsonFields& program, std::span<const GuardInput> inputs);

/// Converts conditions to the form that a file with these inputs stores. This
/// is the inverse of read_guards().
std::vector<std::string> guards_in_file(
    const std::vector<std::string>& guards, std::span<const GuardInput> inputs);

}  // namespace pp::ep
