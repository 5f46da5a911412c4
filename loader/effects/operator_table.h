#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

// Facts about operators that schemas do not declare.
namespace pp {

/// A target that is not an operator of the dispatcher: arithmetic on sizes, or
/// a marker.
struct Builtin {
  std::string_view target;
  size_t num_operands = 0;
  bool aliases = false;  ///< its results alias its arguments
};
/// Null if the target is not a builtin.
const Builtin* try_find_builtin(std::string_view target);

/// Whether nodes with this target own sub-graphs.
bool is_control_flow(std::string_view target);

/// Whether the operator ("aten::dropout") may return its input, or a view of
/// it, although its schema does not declare this.
bool may_return_its_input(std::string_view name);

/// Running statistics that an operator updates when its argument `flag` is
/// true, although its schema does not declare this.
struct Statistics {
  std::string_view flag;
  std::vector<std::string_view> arguments;
};
/// The statistics that an operator updates; nullopt if it has none.
std::optional<Statistics> written_statistics(std::string_view name);

}  // namespace pp
