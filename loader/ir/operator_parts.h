#pragma once

#include <string>
#include <string_view>

namespace pp::ir {

/// The parts of an operator's name. They are views into that name, which must
/// outlive them.
struct OperatorParts {
  std::string_view library;   ///< "aten"; empty if the name has only one part
  std::string_view name;      ///< "add"
  std::string_view overload;  ///< "Tensor", "default"; empty if not written

  /// The name without its overload, as the dispatcher writes it: "aten::add".
  std::string qualified_name() const;
  /// The overload as the dispatcher writes it: "Tensor"; empty for "default".
  std::string_view registered_overload() const;
  /// The name as schemas write it: "aten::add.Tensor"; "aten::add" for the
  /// default overload.
  std::string schema_name() const;
};

/// Whether an operator of this name ("add_") changes the values of its first
/// operand, but not its sizes, and returns that operand.
bool updates_in_place(std::string_view name);

/// Splits a node's target ("aten.add.Tensor") or a schema's name
/// ("aten::add.Tensor") into its parts. `target` must outlive the result.
OperatorParts operator_parts(std::string_view target);

}  // namespace pp::ir
