#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loader/core/json_fields.h"

// Trees ("pytree specs"), which describe how the flat inputs and outputs of a
// program form the arguments and results of the model's forward.
namespace pp::ep {

struct TreeStep {
  std::string key;  ///< "logits"; an index as text, such as "0", if not `named`
  bool named = false;
  bool operator==(const TreeStep&) const = default;
};

/// The path from the root of a tree to a leaf.
using TreePath = std::vector<TreeStep>;

/// Parses a stored tree and returns the paths to its leaves, in order. Dict
/// keys and the fields of dataclasses and namedtuples are named; the children
/// of lists and tuples are not.
///
/// namedtuple_fields  the field `treespec_namedtuple_fields` of `program`; may
///                    be null
/// throws             Error(Input): the spec is not a tree of version 1
std::vector<TreePath> leaves_of(
    const std::string& spec,
    const nlohmann::json* namedtuple_fields,
    const JsonFields& program);

/// Returns a unique name for each output: the steps of its path joined by dots
/// ("logits", "hidden.0"). If the first step is a position, the name begins
/// with "output_". If the path has no named step, the name of output I is
/// "output_I".
std::vector<std::string> output_names(const std::vector<TreePath>& leaves);

/// Returns the stored form of a flat tuple with `num_leaves` items.
std::string tuple_spec(size_t num_leaves);
/// Returns the stored form of the arguments of a function: a tuple of
/// positional arguments, and keyword arguments by name.
std::string arguments_spec(
    size_t num_positional, const std::vector<std::string>& keywords);

}  // namespace pp::ep
