#include "splitter/cut/input_writes.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "loader/core/error.h"
#include "loader/ir/walk.h"
#include "splitter/cut/operators.h"

namespace pp {

namespace {

/// Whether an operator usually copies, and returns its operand itself only if
/// there is nothing to do. A write to its result is rarely meant for the input.
bool usually_copies(const ir::Node& node) {
  constexpr std::array<std::string_view, 6> kNames{
      "contiguous", "dropout", "feature_dropout", "to", "to_dense", "type_as"};
  return std::ranges::find(kNames, operator_name(node.target)) != kNames.end();
}

[[noreturn]] void refuse(const ir::Node& node, const std::string& input) {
  const std::string& module = ir::module_of(node);
  throw input_error(
      "the model mutates its input '" + input + "' (node '" + node.name +
      "' calls '" + node.target + "'" +
      (module.empty() ? "" : " in " + module) +
      "), which is not supported; clone it in forward");
}

}  // namespace

void refuse_input_writes(const ir::Graph& graph) {
  std::map<ir::ValueId, std::string> inputs;  // and their views
  for (const ir::Input& input : graph.inputs) {
    inputs.emplace(input.value, input.name);
  }
  for (const ir::Node& node : graph.nodes) {
    for (const ir::ValueId id : data_writes(node)) {
      if (const auto found = inputs.find(id); found != inputs.end()) {
        refuse(node, found->second);
      }
    }
    if (usually_copies(node)) {
      continue;
    }
    for (const auto& [result, argument] : node.effects.aliases) {
      if (const auto found = inputs.find(argument); found != inputs.end()) {
        inputs.emplace(result, found->second);
      }
    }
  }
}

}  // namespace pp
