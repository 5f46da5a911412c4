#include "loader/ir/operator_parts.h"

#include <algorithm>
#include <array>

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

bool updates_in_place(std::string_view name) {
  // Despite the '_', these change a tensor's properties, not its values.
  constexpr std::array<std::string_view, 14> kOthers{
      "as_strided_",
      "detach_",
      "rename_",
      "requires_grad_",
      "resize_",
      "resize_as_",
      "resize_as_sparse_",
      "set_",
      "squeeze_",
      "swapaxes_",
      "swapdims_",
      "t_",
      "transpose_",
      "unsqueeze_",
  };
  // __and__ and the like return new tensors.
  return name.ends_with('_') && !name.ends_with("__") &&
         std::ranges::find(kOthers, name) == kOthers.end();
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
