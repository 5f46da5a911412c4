#pragma once

#include <string>
#include <string_view>

namespace pp::ir {

/// The parts of an operator's name, as views into it.
struct OperatorParts {
  std::string_view library;   ///< "aten"; empty if the name has one part only
  std::string_view name;      ///< "add"
  std::string_view overload;  ///< "Tensor", "default"; empty if not written

  /// "aten::add", as dispatchers call it.
  std::string qualified_name() const;
  /// "Tensor"; empty for "default", as dispatchers call it.
  std::string_view registered_overload() const;
  /// "aten::add.Tensor"; "aten::add" for the default overload.
  std::string schema_name() const;
};

/// Splits a node's target ("aten.add.Tensor") or a schema's name
/// ("aten::add.Tensor") into its parts. `target` must outlive the result.
OperatorParts operator_parts(std::string_view target);

}  // namespace pp::ir
