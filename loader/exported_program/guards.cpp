#include "loader/exported_program/guards.h"

namespace pp::ep {

namespace {

void replace_all(
    std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// "L['options']['gain'][0]": how the file names an input.
std::string path_text(const GuardInput& input) {
  constexpr size_t kFirstInner = 2;  // after the kind of argument and its name
  std::string out = "L['" + input.argument + "']";
  for (size_t i = kFirstInner; i < input.path.size(); ++i) {
    const TreeStep& step = input.path[i];
    out += step.named ? "['" + step.key + "']" : "[" + step.key + "]";
  }
  return out;
}

}  // namespace

std::vector<std::string> read_guards(
    const JsonFields& program, std::span<const GuardInput> inputs) {
  std::vector<std::string> out;
  const nlohmann::json* guards = program.try_at(program.root(), "guards_code");
  if (guards == nullptr) {
    return out;
  }
  for (const nlohmann::json& stored : program.array(*guards)) {
    std::string& guard = out.emplace_back(program.text(stored));
    for (const GuardInput& input : inputs) {
      replace_all(guard, path_text(input), "L['" + input.name + "']");
    }
  }
  return out;
}

}  // namespace pp::ep
