#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

// Facts that the schemas of operators do not declare.
namespace pp {

/// A node target that is not an operator of the dispatcher: arithmetic on
/// sizes, or a marker.
struct Builtin {
  std::string_view target;
  size_t num_operands = 0;
  bool aliases = false;  ///< whether its results alias its arguments
};
/// Finds the builtin with this target; null if there is none.
const Builtin* try_find_builtin(std::string_view target);

/// Whether nodes with this target own sub-graphs.
bool is_control_flow(std::string_view target);

/// Whether the operator ("aten::dropout") may return its input, or a view of
/// its input, although its schema declares no alias.
bool may_return_its_input(std::string_view name);

/// Running statistics that an operator writes, although its schema declares no
/// write.
struct Statistics {
  /// The bool argument that must be true for the statistics to be written.
  std::string_view flag;
  /// The arguments that hold the statistics.
  std::vector<std::string_view> arguments;
};
/// The running statistics that an operator writes; nullopt if it writes none.
std::optional<Statistics> written_statistics(std::string_view name);

}  // namespace pp
