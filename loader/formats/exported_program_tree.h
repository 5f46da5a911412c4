#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loader/formats/json_fields.h"

// The trees ("pytree specs") that say how a program's flat inputs and outputs
// make up the arguments and results of the model's forward.
namespace pp::ep {

struct TreeStep {
  std::string key;  ///< "logits"; the position where `named` is false
  bool named = false;
  bool operator==(const TreeStep&) const = default;
};

/// The way from the root to a leaf.
using TreePath = std::vector<TreeStep>;

/// The leaves of a stored tree, in order. Dict keys, dataclass and namedtuple
/// fields are named; a list's and a tuple's children are not.
///
/// namedtuple_fields  the program's `treespec_namedtuple_fields`; may be null
/// throws Error(Input) if the spec is no tree of version 1
std::vector<TreePath> leaves_of(
    const std::string& spec,
    const nlohmann::json* namedtuple_fields,
    const JsonFields& fields);

/// Names of outputs: the keys on the way joined by dots ("logits",
/// "hidden.0"), "output_I" where the way starts with a position.
std::vector<std::string> output_names(const std::vector<TreePath>& leaves);

/// Stored trees of a flat tuple, and of (positional, keyword) arguments.
std::string tuple_spec(size_t num_leaves);
std::string arguments_spec(
    size_t num_positional, const std::vector<std::string>& keywords);

}  // namespace pp::ep
