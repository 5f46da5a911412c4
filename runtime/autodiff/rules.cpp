#include "runtime/autodiff/rules.h"

#include <unordered_map>

namespace pp {

namespace {

using Table = std::unordered_map<std::string_view, const Rule*>;

Table all_rules() {
  Table table;
  for (const auto& rules :
       {attention_rules(),
        convolution_rules(),
        linear_rules(),
        lookup_rules(),
        normalization_rules(),
        pointwise_rules(),
        reduction_rules(),
        shape_rules()}) {
    for (const Rule& rule : rules) {
      table.emplace(rule.name, &rule);
    }
  }
  return table;
}

}  // namespace

const Rule* find_rule(std::string_view name) {
  static const Table table = all_rules();
  const auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace pp
