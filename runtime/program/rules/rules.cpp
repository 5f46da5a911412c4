#include "runtime/program/rules/rules.h"

#include <array>
#include <unordered_map>

namespace pp {

namespace {

using RulesByName = std::unordered_map<std::string_view, const Rule*>;

RulesByName index_rules() {
  RulesByName by_name;
  for (const std::span<const Rule> rules : all_rules()) {
    for (const Rule& rule : rules) {
      by_name.emplace(rule.name, &rule);
    }
  }
  return by_name;
}

}  // namespace

std::span<const std::span<const Rule>> all_rules() {
  static const std::array kTables = {
      activation_rules(),
      arithmetic_rules(),
      attention_rules(),
      conversion_rules(),
      convolution_rules(),
      linear_rules(),
      lookup_rules(),
      normalization_rules(),
      reduction_rules(),
      selection_rules(),
      shape_rules(),
      slicing_rules()};
  return kTables;
}

const Rule* find_rule(std::string_view name) {
  static const RulesByName by_name = index_rules();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

}  // namespace pp
