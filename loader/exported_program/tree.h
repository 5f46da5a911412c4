#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loader/core/json_fields.h"

// Trees ("pytree specs"), which describe how the flat inputs and outputs of a
// program form the arguments and results of the model's forward.
namespace pp::ep {

struct TreeStep {
  std::string key;  ///< "logits"; a position if not `named`
  bool named = false;
  bool operator==(const TreeStep&) const = default;
};

/// The path from the root to a leaf.
using TreePath = std::vector<TreeStep>;

/// The leaves of a stored tree, in order. Dict keys and the fields of
/// dataclasses and namedtuples are named; the children of lists and tuples are
/// not.
///
/// namedtuple_fields  `treespec_namedtuple_fields` of `program`; may be null
/// throws Error(Input) if the spec is not a tree of version 1
std::vector<TreePath> leaves_of(
    const std::string& spec,
    const nlohmann::json* namedtuple_fields,
    const JsonFields& program);

/// Names of outputs: the keys of the path joined by dots ("logits",
/// "hidden.0"), or "output_I" if the path starts with a position.
std::vector<std::string> output_names(const std::vector<TreePath>& leaves);

/// The stored form of the tree of a flat tuple.
std::string tuple_spec(size_t num_leaves);
/// The stored form of the tree of (positional, keyword) arguments.
std::string arguments_spec(
    size_t num_positional, const std::vector<std::string>& keywords);

}  // namespace pp::ep
