#include "loader/allowed/allowed_operators.h"

#include <algorithm>
#include <functional>
#include <unordered_set>

#include "loader/allowed/families.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/effects/operator_table.h"
#include "loader/ir/operator_parts.h"

namespace pp {

namespace {

constexpr std::string_view kNamespace = "aten::";

void for_each_name(
    std::string_view names,
    const std::function<void(std::string_view)>& visit) {
  while (!names.empty()) {
    const size_t end = std::min(names.find(' '), names.size());
    visit(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
}

std::unordered_set<std::string_view> names_of_families() {
  std::unordered_set<std::string_view> out;
  for (const auto& families : {tensor_families(), script_families()}) {
    for (const OperatorFamily& family : families) {
      for_each_name(
          family.names, [&](std::string_view name) { out.insert(name); });
    }
  }
  return out;
}

bool is_in_place(std::string_view name) {
  return name.size() > 1 && name.ends_with('_') && !name.ends_with("__");
}

void check_arg(
    const ir::Arg& arg,
    const AllowedOperators& allowed,
    std::string_view where,
    std::set<std::string>& let_in) {
  if (const auto* list = std::get_if<ir::List>(&arg.value)) {
    for (const ir::Arg& item : list->items) {
      check_arg(item, allowed, where, let_in);
    }
  } else if (const auto* sub = std::get_if<ir::SubGraph>(&arg.value)) {
    let_in.merge(check_operators(*sub->graph, allowed, where));
  }
}

const std::unordered_set<std::string_view>& reviewed() {
  static const std::unordered_set<std::string_view> names = names_of_families();
  return names;
}

/// Whether the operator was reviewed and found to do nothing but compute.
bool is_reviewed(std::string_view qualified_name) {
  if (qualified_name.find("::") == std::string_view::npos) {
    return false;
  }
  const std::string_view name = qualified_name.starts_with(kNamespace)
                                    ? qualified_name.substr(kNamespace.size())
                                    : qualified_name;
  return reviewed().contains(name) ||
         (is_in_place(name) &&
          reviewed().contains(name.substr(0, name.size() - 1)));
}

}  // namespace

AllowedOperators::AllowedOperators(const std::vector<std::string>& more)
    : more_(more.begin(), more.end()) {
  for (const std::string& name : more_) {
    const size_t colons = name.find("::");
    if (colons == 0 || colons == std::string::npos ||
        colons + 2 == name.size() || name.find('.') != std::string::npos) {
      throw usage_error(
          "'" + name +
          "' is not an operator's name; write NAMESPACE::NAME without an "
          "overload, as in aten::from_file");
    }
  }
}

bool AllowedOperators::contains(std::string_view qualified_name) const {
  return more_.contains(qualified_name) || is_reviewed(qualified_name);
}

bool AllowedOperators::is_allowed_by_user(
    std::string_view qualified_name) const {
  return more_.contains(qualified_name) && !is_reviewed(qualified_name);
}

std::string AllowedOperators::refusal(std::string_view qualified_name) const {
  const std::string name(qualified_name);
  const std::string reason(try_reason_to_refuse(qualified_name));
  return "is not allowed: " +
         (reason.empty() ? "nobody has reviewed what it does" : reason) +
         "; if you trust the file, allow it with --allow-operator " + name;
}

std::string_view try_reason_to_refuse(std::string_view qualified_name) {
  if (!qualified_name.starts_with(kNamespace)) {
    return {};
  }
  std::string_view name = qualified_name.substr(kNamespace.size());
  std::string_view reason;
  for (const OperatorFamily& family : refused_families()) {
    for_each_name(family.names, [&](std::string_view pattern) {
      const bool found =
          matches_glob(name, pattern) ||
          (is_in_place(name) &&
           matches_glob(name.substr(0, name.size() - 1), pattern));
      if (found && reason.empty()) {
        reason = family.about;
      }
    });
  }
  return reason;
}

std::set<std::string> check_operators(
    const ir::Graph& graph,
    const AllowedOperators& allowed,
    std::string_view where) {
  std::set<std::string> let_in;
  for (const ir::Node& node : graph.nodes) {
    for (const ir::NamedArg& input : node.inputs) {
      check_arg(input.arg, allowed, where, let_in);
    }
    if (is_control_flow(node.target) ||
        try_find_builtin(node.target) != nullptr) {
      continue;
    }
    const std::string name = ir::operator_parts(node.target).qualified_name();
    if (!allowed.contains(name)) {
      throw input_error(
          std::string(where) + ": node '" +
          (node.name.empty() ? node.target : node.name) + "' calls '" + name +
          "', which " + allowed.refusal(name));
    }
    if (allowed.is_allowed_by_user(name)) {
      let_in.insert(name);
    }
  }
  return let_in;
}

}  // namespace pp
