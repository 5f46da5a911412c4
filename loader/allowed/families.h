#pragma once

#include <span>
#include <string_view>

namespace pp {

/// Operators of the namespace "aten" that are allowed, or refused, for one
/// reason.
struct OperatorFamily {
  /// Allowed: what they are ("losses"). Refused: why ("it reads files").
  std::string_view about;
  /// Separated by spaces; those of other namespaces in full: "prim::min".
  std::string_view names;
};

/// Operators on tensors that compute on their arguments and do nothing else.
std::span<const OperatorFamily> tensor_families();

/// Functions of scripts on numbers, texts, lists and dictionaries.
std::span<const OperatorFamily> script_families();

/// Operators that do something else, or that trust what they are given.
std::span<const OperatorFamily> refused_families();

}  // namespace pp
