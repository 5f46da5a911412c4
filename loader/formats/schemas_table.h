#pragma once

#include <optional>
#include <string_view>
#include <vector>

// What the dispatcher's schemas do not say.
namespace pp {

/// A target that is no operator of the dispatcher: arithmetic on sizes,
/// markers.
struct Builtin {
  std::string_view target;
  bool aliases = false;  ///< its results are its arguments
};
const Builtin* try_find_builtin(std::string_view target);

/// Operators that own sub-graphs.
bool is_control_flow(std::string_view target);

/// Whether the operator ("aten::dropout") may return its input or a view of it
/// without its schema saying so.
bool may_return_its_input(std::string_view name);

/// Running statistics that an operator updates when `flag` is true, without its
/// schema saying so.
struct Statistics {
  std::string_view flag;
  std::vector<std::string_view> arguments;
};
std::optional<Statistics> written_statistics(std::string_view name);

}  // namespace pp
