#include "runtime/data/size_rules.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/dims_text.h"
#include "loader/ir/size_conditions.h"

namespace pp {

namespace {

/// The leaf's value for contiguous tensors of these sizes.
std::optional<int64_t> value_of(
    const ir::GuardLeaf& leaf, const InputSizes& sizes) {
  const auto found = sizes.find(leaf.input);
  if (found == sizes.end()) {
    return std::nullopt;
  }
  if (leaf.property == "storage_offset") {
    return 0;
  }
  if (leaf.dimension >= found->second.size()) {
    return std::nullopt;
  }
  if (leaf.property == "size") {
    return found->second[leaf.dimension];
  }
  int64_t stride = 1;
  for (size_t i = found->second.size(); i-- > leaf.dimension + 1;) {
    stride *= std::max<int64_t>(found->second[i], 1);
  }
  return stride;
}

/// The guard in the user's words: "x.size()[1] % 2 == 0".
std::string guard_text(const ir::Expression& guard) {
  std::string out = guard.text();
  for (size_t at = out.find("L['"); at != std::string::npos;
       at = out.find("L['", at)) {
    const size_t end = out.find("']", at);
    if (end == std::string::npos) {
      break;
    }
    out.erase(end, 2);
    out.erase(at, 3);
  }
  return out;
}

std::string sizes_text(const InputSizes& sizes, const std::string& input) {
  return input + " has shape " + shape_text(sizes.at(input));
}

void check_bounds(
    const InputSpec& input,
    const std::string& symbol,
    size_t dimension,
    int64_t size,
    const std::string& where) {
  const auto range = input.ranges.find(symbol);
  if (range == input.ranges.end()) {
    return;
  }
  const auto& [min, max] = range->second;
  const auto refuse = [&](const char* bound, int64_t value) {
    throw input_error(
        where + ": dimension " + std::to_string(dimension) + " of " +
        input.name + " is " + std::to_string(size) +
        ", but the model was exported for " + bound + " " +
        std::to_string(value));
  };
  if (max && size > *max) {
    refuse("at most", *max);
  }
  if (min && *min > ir::kUnenforcedMin && size < *min) {
    refuse("at least", *min);
  }
}

/// Whether the expression only adds, subtracts and multiplies.
bool is_linear(const std::string& expression) {
  return expression.find_first_of("/%(") == std::string::npos &&
         expression.find("**") == std::string::npos;
}

}  // namespace

SizeRules::SizeRules(
    std::vector<InputSpec> inputs, std::span<const std::string> guards)
    : inputs_(std::move(inputs)) {
  const auto is_size = [&](const std::string& leaf) {
    const auto parsed = ir::parse_guard_leaf(leaf);
    return parsed &&
           (inputs_.empty() ||
            std::ranges::find(inputs_, parsed->input, &InputSpec::name) !=
                inputs_.end());
  };
  for (const std::string& text : guards) {
    add_guard(text, is_size);
  }
  std::erase_if(inputs_, [](const InputSpec& input) { return !input.known; });
  parse_sizes();
}

void SizeRules::add_guard(
    const std::string& text,
    const std::function<bool(const std::string& leaf)>& is_size) {
  const ir::Expression& guard =
      guards_.emplace_back(ir::Expression::parse(text));
  for (const std::string& leaf : guard.leaves()) {
    if (!is_size(leaf)) {
      throw input_error(
          "the model was exported under the condition " + guard_text(guard) +
          ", which can't be checked: '" + leaf +
          "' isn't a size of an input; export it without that condition");
    }
  }
}

void SizeRules::parse_sizes() {
  for (const InputSpec& input : inputs_) {
    for (size_t i = 0; i < input.sizes.size(); ++i) {
      const ir::Dim& dim = input.sizes[i];
      if (dim.is_fixed() || ir::is_symbol(dim) || sizes_.contains(dim.expr)) {
        continue;
      }
      try {
        sizes_.emplace(dim.expr, ir::Expression::parse(dim.expr));
      } catch (const Error& error) {
        throw input_error(
            "dimension " + std::to_string(i) + " of input '" + input.name +
            "' has a size that can't be read: " + error.what() +
            "; export the model with that dimension fixed or free");
      }
    }
  }
}

void SizeRules::visit_free_sizes(
    const InputSizes& sizes, const Visit& visit) const {
  for (const InputSpec& input : inputs_) {
    const auto found = sizes.find(input.name);
    if (found == sizes.end()) {
      continue;
    }
    const size_t num_dims = std::min(input.sizes.size(), found->second.size());
    for (size_t i = 0; i < num_dims; ++i) {
      if (!input.sizes[i].is_fixed()) {
        visit(input, i, found->second[i]);
      }
    }
  }
}

void SizeRules::check(const InputSizes& sizes, const std::string& where) const {
  const std::map<std::string, int64_t> symbols = symbols_of(sizes, where);
  const auto look_up = [&](std::string_view leaf) -> std::optional<int64_t> {
    const auto found = symbols.find(std::string(leaf));
    return found == symbols.end() ? std::nullopt : std::optional(found->second);
  };
  visit_free_sizes(sizes, [&](const InputSpec& input, size_t i, int64_t size) {
    const ir::Dim& dim = input.sizes[i];
    if (ir::is_symbol(dim)) {
      return;
    }
    const auto wanted = sizes_.at(dim.expr).value(look_up);
    if (wanted && *wanted != size) {
      throw input_error(
          where + ": dimension " + std::to_string(i) + " of " + input.name +
          " must be " + dim.expr + " = " + std::to_string(*wanted) +
          ", but is " + std::to_string(size));
    }
  });
  check_guards(sizes, where);
}

std::map<std::string, int64_t> SizeRules::symbols_of(
    const InputSizes& sizes, const std::string& where) const {
  std::map<std::string, int64_t> values;
  std::map<std::string, std::string> first_input;
  visit_free_sizes(sizes, [&](const InputSpec& input, size_t i, int64_t size) {
    const ir::Dim& dim = input.sizes[i];
    check_bounds(input, dim.expr, i, size, where);
    if (!ir::is_symbol(dim)) {
      return;
    }
    const auto [value, is_new] = values.emplace(dim.expr, size);
    first_input.emplace(dim.expr, input.name);
    if (value->second != size) {
      throw input_error(
          where + ": size " + dim.expr + " of the model is " +
          std::to_string(value->second) + " in one place and " +
          std::to_string(size) +
          " in another: " + sizes_text(sizes, first_input.at(dim.expr)) + ", " +
          sizes_text(sizes, input.name));
    }
  });
  visit_free_sizes(sizes, [&](const InputSpec& input, size_t i, int64_t size) {
    solve(input, i, size, values, where);
  });
  return values;
}

void SizeRules::solve(
    const InputSpec& input,
    size_t dimension,
    int64_t size,
    std::map<std::string, int64_t>& values,
    const std::string& where) const {
  const ir::Dim& dim = input.sizes[dimension];
  if (ir::is_symbol(dim)) {
    return;
  }
  const ir::Expression& expression = sizes_.at(dim.expr);
  const std::vector<std::string> leaves = expression.leaves();
  if (leaves.size() != 1 || values.contains(leaves[0])) {
    return;
  }
  const auto at = [&](int64_t value) {
    return expression.value([value](std::string_view) { return value; });
  };
  // Two values give the slope of a linear expression, and a third shows that it
  // is linear.
  const int64_t start = at(2).value_or(0);
  const int64_t slope = at(3).value_or(0) - start;
  if (slope == 0 || at(4).value_or(0) != start + 2 * slope) {
    return;
  }
  const int64_t symbol = 2 + (size - start) / slope;
  const bool fits = at(symbol) == size;
  if (fits) {
    check_bounds(input, leaves[0], dimension, symbol, where);
    values.emplace(leaves[0], symbol);
  } else if (is_linear(dim.expr)) {
    throw input_error(
        where + ": dimension " + std::to_string(dimension) + " of " +
        input.name + " must be " + dim.expr + ", but is " +
        std::to_string(size));
  }
}

void SizeRules::check_guards(
    const InputSizes& sizes, const std::string& where) const {
  for (const ir::Expression& guard : guards_) {
    const auto look_up = [&](std::string_view leaf) {
      return value_of(*ir::parse_guard_leaf(leaf), sizes);
    };
    if (guard.holds(look_up).value_or(true)) {
      continue;
    }
    std::vector<std::string> found;
    for (const std::string& leaf : guard.leaves()) {
      const std::string input = ir::parse_guard_leaf(leaf)->input;
      if (!sizes.contains(input)) {
        continue;  // its size is unknown, so it didn't break the guard
      }
      const std::string text = sizes_text(sizes, input);
      if (std::ranges::find(found, text) == found.end()) {
        found.push_back(text);
      }
    }
    throw input_error(
        where + ": the model was exported under the condition " +
        guard_text(guard) + ", but " + join(found, " and "));
  }
}

}  // namespace pp
