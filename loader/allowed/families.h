#pragma once

#include <span>
#include <string_view>

namespace pp {

/// A group of operators that are all allowed, or all refused, for the same
/// reason.
struct OperatorFamily {
  /// For allowed operators: what they are ("losses"). For refused ones: why
  /// they are refused ("it reads files").
  std::string_view about;
  /// The operators' names, separated by spaces. A name without a namespace
  /// belongs to "aten"; other operators have their full name: "prim::min".
  std::string_view names;
};

/// Allowed operators on tensors: they compute on their arguments and do nothing
/// else.
std::span<const OperatorFamily> tensor_families();

/// Allowed TorchScript functions on numbers, strings, lists and dictionaries.
std::span<const OperatorFamily> script_families();

/// Refused operators: they do more than compute, or don't check their
/// arguments.
std::span<const OperatorFamily> refused_families();

}  // namespace pp
