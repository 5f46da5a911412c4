#include "loader/exported_program/module_stack.h"

#include "loader/core/text.h"

namespace pp::ep {

std::vector<ir::ModuleFrame> read_module_stack(
    const std::string& text, const JsonFields& fields) {
  if (text.find("_empty_nn_module_stack_from_metadata_hook") !=
      std::string::npos) {
    return {};
  }
  std::vector<ir::ModuleFrame> out;
  for (const std::string& item : split_text(text, ';')) {
    // Types such as "Stack[int, str]" contain commas.
    std::vector<std::string> parts(1);
    int depth = 0;
    for (const char c : item) {
      depth += c == '[' || c == '(' ? 1 : 0;
      depth -= c == ']' || c == ')' ? 1 : 0;
      if (c == ',' && depth == 0) {
        parts.emplace_back();
      } else {
        parts.back() += c;
      }
    }
    if (parts.size() != 3) {
      fields.fail("the module stack '" + item + "' must be KEY,FQN,TYPE");
    }
    out.push_back({parts[0], parts[1], parts[2]});
  }
  return out;
}

std::string module_stack_text(const std::vector<ir::ModuleFrame>& frames) {
  std::vector<std::string> items;
  for (const ir::ModuleFrame& frame : frames) {
    items.push_back(frame.key + "," + frame.fqn + "," + frame.type);
  }
  return join(items, ";");
}

}  // namespace pp::ep
