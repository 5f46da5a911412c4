#pragma once

#include <span>
#include <string>
#include <vector>

#include "loader/core/json_fields.h"
#include "loader/exported_program/tree.h"

namespace pp::ep {

/// A tensor or number that the user passes, as guards refer to it.
struct GuardInput {
  std::string argument;  ///< the argument of forward that holds it
  TreePath path;         ///< path in the tree of (args, kwargs)
  std::string name;      ///< name of the graph's input: "options.gain"
};

/// Reads the conditions under which a program was exported (`guards_code`). The
/// file refers to an input by its place in the arguments, as in
/// "L['options']['gain'].size()[0] > 1". The returned conditions refer to it by
/// its name, as in "L['options.gain'].size()[0] > 1".
/// throws  Error(Input): the field isn't a list of strings
std::vector<std::string> read_guards(
    const JsonFields& program, std::span<const GuardInput> inputs);

/// The inverse: the conditions as a file with these inputs states them.
std::vector<std::string> guards_in_file(
    const std::vector<std::string>& guards, std::span<const GuardInput> inputs);

}  // namespace pp::ep
