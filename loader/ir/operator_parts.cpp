#include "loader/ir/operator_parts.h"

namespace pp::ir {

std::string OperatorParts::qualified_name() const {
  return std::string(library) + "::" + std::string(name);
}

std::string_view OperatorParts::registered_overload() const {
  return overload == "default" ? std::string_view() : overload;
}

std::string OperatorParts::schema_name() const {
  const std::string_view registered = registered_overload();
  return registered.empty() ? qualified_name()
                            : qualified_name() + "." + std::string(registered);
}

OperatorParts operator_parts(std::string_view target) {
  OperatorParts out;
  const size_t colons = target.find("::");
  const size_t separator =
      colons == std::string_view::npos ? target.find('.') : colons;
  if (separator != std::string_view::npos) {
    out.library = target.substr(0, separator);
    target.remove_prefix(separator + (separator == colons ? 2 : 1));
  }
  const size_t dot = target.rfind('.');
  out.name = target.substr(0, dot);
  if (dot != std::string_view::npos) {
    out.overload = target.substr(dot + 1);
  }
  return out;
}

}  // namespace pp::ir
