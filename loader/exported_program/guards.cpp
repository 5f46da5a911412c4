#include "loader/exported_program/guards.h"

#include <algorithm>

namespace pp::ep {

namespace {

void replace_all(
    std::string& text, const std::string& from, const std::string& to) {
  for (size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// "['gain'][0]": the path of an input inside its argument.
std::string inner_text(const GuardInput& input) {
  constexpr size_t kFirstInner = 2;  // after the kind of argument and its name
  std::string out;
  for (size_t i = kFirstInner; i < input.path.size(); ++i) {
    const TreeStep& step = input.path[i];
    out += step.named ? "['" + step.key + "']" : "[" + step.key + "]";
  }
  return out;
}

/// "L['options']['gain'][0]": how the file names an input.
std::string path_text(const GuardInput& input) {
  return "L['" + input.argument + "']" + inner_text(input);
}

/// The path of an input inside `*args` or `**kwargs`, as the file writes it
/// after `parameter`, the name of that parameter; empty if the input isn't in
/// it.
std::string text_in_variadic(
    const GuardInput& input, const std::string& parameter) {
  const bool is_keyword = input.path.size() > 1 && input.path[0].key == "1";
  if (is_keyword) {
    return "['" + input.argument + "']" + inner_text(input);
  }
  // The elements of `*args` are separate arguments: args_0, args_1.
  const std::string prefix = parameter + "_";
  return input.argument.starts_with(prefix)
             ? "[" + input.argument.substr(prefix.size()) + "]" +
                   inner_text(input)
             : "";
}

bool is_input(std::span<const GuardInput> inputs, const std::string& name) {
  return std::ranges::find(inputs, name, &GuardInput::name) != inputs.end();
}

/// Replaces paths of inputs inside `*args` and `**kwargs` by names of inputs.
void replace_variadic(std::string& guard, std::span<const GuardInput> inputs) {
  constexpr std::string_view kBegin = "L['";
  for (size_t at = guard.find(kBegin); at != std::string::npos;
       at = guard.find(kBegin, at + 1)) {
    const size_t name = at + kBegin.size();
    const size_t end = guard.find("']", name);
    if (end == std::string::npos) {
      return;
    }
    const std::string parameter = guard.substr(name, end - name);
    if (is_input(inputs, parameter)) {
      continue;
    }
    const size_t rest = end + 2;
    for (const GuardInput& input : inputs) {
      const std::string inner = text_in_variadic(input, parameter);
      if (!inner.empty() && guard.compare(rest, inner.size(), inner) == 0 &&
          guard.compare(rest + inner.size(), 1, ".") == 0) {
        guard.replace(at, rest + inner.size() - at, "L['" + input.name + "']");
        break;
      }
    }
  }
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
    replace_variadic(guard, inputs);
  }
  return out;
}

std::vector<std::string> guards_in_file(
    const std::vector<std::string>& guards,
    std::span<const GuardInput> inputs) {
  std::vector<std::string> out = guards;
  for (std::string& guard : out) {
    for (const GuardInput& input : inputs) {
      replace_all(guard, "L['" + input.name + "']", path_text(input));
    }
  }
  return out;
}

}  // namespace pp::ep
