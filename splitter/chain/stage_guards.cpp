#include "splitter/chain/stage_guards.h"

#include <algorithm>
#include <map>
#include <optional>

#include "loader/ir/dims_text.h"
#include "loader/ir/expression.h"
#include "loader/ir/size_conditions.h"

namespace pp {

namespace {

/// The name of a stage's input in its guards.
const std::string& name_in_guards(const StageInput& input) {
  return input.from_user ? input.user_name : input.value;
}

bool is_received(const StageManifest& stage, const std::string& leaf) {
  const auto parsed = ir::parse_guard_leaf(leaf);
  return parsed &&
         std::ranges::any_of(stage.inputs, [&](const StageInput& input) {
           return !input.from_user && input.value == parsed->input;
         });
}

/// Expresses a symbol as a size of an input; nullopt if no input has that size.
std::optional<std::string> leaf_of(
    const std::string& symbol, const StageManifest& stage) {
  for (const StageInput& input : stage.inputs) {
    const auto found =
        std::ranges::find(input.tensor.sizes, symbol, &ir::Dim::expr);
    if (found != input.tensor.sizes.end()) {
      return ir::size_leaf(
          name_in_guards(input),
          static_cast<size_t>(found - input.tensor.sizes.begin()));
    }
  }
  return std::nullopt;
}

/// Replaces the symbols of an expression by sizes of the stage's inputs;
/// nullopt if one of the symbols isn't such a size.
std::optional<std::string> in_leaves(
    const std::string& expression,
    const ir::Graph& graph,
    const StageManifest& stage) {
  bool known = true;
  std::string out = ir::replace_words(expression, [&](const std::string& word) {
    if (!graph.ranges.contains(word)) {
      return word;
    }
    const auto leaf = leaf_of(word, stage);
    known = known && leaf.has_value();
    return leaf.value_or(word);
  });
  return known ? std::optional(std::move(out)) : std::nullopt;
}

bool is_size_of_input(const StageChain& chain, const std::string& symbol) {
  return std::ranges::any_of(chain.inputs, [&](const ModelInput& input) {
    const auto& sizes = input.tensor.sizes;
    return std::ranges::find(sizes, symbol, &ir::Dim::expr) != sizes.end();
  });
}

/// Whether a size of `value` is an expression that its sender computes.
bool is_computed(
    const StageChain& chain, const std::string& value, size_t dimension) {
  const auto sent =
      std::ranges::find(chain.outputs, value, &ChainedOutput::name);
  if (sent == chain.outputs.end() || dimension >= sent->tensor.sizes.size()) {
    return false;
  }
  const ir::Dim& size = sent->tensor.sizes[dimension];
  return !size.is_fixed() && !ir::is_symbol(size);
}

/// Adds guards for what the stage's export assumed about the sizes of a value
/// that the stage receives.
void add_size_guards(
    const StageInput& input,
    const ir::Graph& graph,
    const StageChain& chain,
    StageManifest& stage) {
  for (size_t i = 0; i < input.tensor.sizes.size(); ++i) {
    const ir::Dim& dim = input.tensor.sizes[i];
    const std::string size = ir::size_leaf(input.value, i);
    if (dim.is_fixed()) {
      if (is_computed(chain, input.value, i)) {
        stage.guards.push_back(size + " == " + std::to_string(dim.value));
      }
      continue;
    }
    if (!ir::is_symbol(dim)) {
      if (const auto wanted = in_leaves(dim.expr, graph, stage)) {
        stage.guards.push_back(size + " == " + *wanted);
      }
      continue;
    }
    const auto found = graph.ranges.find(dim.expr);
    if (found == graph.ranges.end() || is_size_of_input(chain, dim.expr)) {
      continue;
    }
    const ir::Range& range = found->second;
    if (range.max) {
      stage.guards.push_back(size + " <= " + std::to_string(*range.max));
    }
    if (range.min && *range.min > ir::kUnenforcedMin) {
      stage.guards.push_back(size + " >= " + std::to_string(*range.min));
    }
  }
}

}  // namespace

void place_guards(
    const std::vector<std::string>& guards,
    const ir::Graph& graph,
    const StageChain& chain,
    StageManifest& stage,
    std::vector<std::string>& model) {
  std::map<std::string, std::string> names;
  for (size_t i = 0; i < stage.inputs.size(); ++i) {
    names.emplace(graph.inputs[i].name, name_in_guards(stage.inputs[i]));
  }
  for (const std::string& guard : guards) {
    const std::string renamed = ir::rename_inputs(guard, names);
    const std::vector<std::string> leaves =
        ir::Expression::parse(renamed).leaves();
    const bool on_received = std::ranges::any_of(
        leaves,
        [&](const std::string& leaf) { return is_received(stage, leaf); });
    std::vector<std::string>& owner = on_received ? stage.guards : model;
    if (std::ranges::find(owner, renamed) == owner.end()) {
      owner.push_back(renamed);
    }
  }
  for (const StageInput& input : stage.inputs) {
    if (!input.from_user) {
      add_size_guards(input, graph, chain, stage);
    }
  }
}

}  // namespace pp
