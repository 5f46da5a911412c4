#pragma once

#include <span>
#include <string_view>

namespace pp {

/// Operators of the namespace "aten" that are allowed, or refused, for the same
/// reason.
struct OperatorFamily {
  /// Allowed: what they are ("losses"). Refused: why ("it reads files").
  std::string_view about;
  /// Names separated by spaces. An operator of another namespace has its full
  /// name: "prim::min".
  std::string_view names;
};

/// Operators on tensors that compute on their arguments and do nothing else.
std::span<const OperatorFamily> tensor_families();

/// TorchScript functions on numbers, strings, lists and dictionaries.
std::span<const OperatorFamily> script_families();

/// Operators that do more than compute, or that don't check their arguments.
std::span<const OperatorFamily> refused_families();

}  // namespace pp
