#include "splitter/cut/rematerialise.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>

#include "loader/core/text.h"
#include "loader/ir/walk.h"
#include "splitter/cut/flops.h"
#include "splitter/cut/operators.h"

namespace pp {

namespace {

// Largest number of elements of a value that stages recompute rather than
// receive. Real and complex numbers take arithmetic to compute; masks and
// positions take almost none, so their limit is higher.
constexpr uint64_t kMaxFloatElements = uint64_t{1} << 22;
constexpr uint64_t kMaxOtherElements = uint64_t{1} << 26;

bool owns_graph(const ir::Arg& arg) {
  if (const auto* list = std::get_if<ir::List>(&arg.value)) {
    return std::ranges::any_of(list->items, owns_graph);
  }
  return std::holds_alternative<ir::SubGraph>(arg.value);
}

bool is_known_cheap(std::string_view target) {
  constexpr std::array<std::string_view, 6> kNamespaces{
      "aten.", "aten::", "prim::", "prims.", "_operator.", "math."};
  constexpr std::array<std::string_view, 10> kCostly{
      "lstm",
      "gru",
      "rnn",
      "fft_",
      "linalg_",
      "_linalg",
      "svd",
      "cdist",
      "einsum",
      "_thnn"};
  const auto starts = [&](std::string_view prefix) {
    return target.starts_with(prefix);
  };
  const std::string_view name = operator_name(target);
  return (std::ranges::any_of(kNamespaces, starts) ||
          target.find('.') == std::string_view::npos) &&
         std::ranges::none_of(kCostly, [&](std::string_view prefix) {
           return name.starts_with(prefix);
         });
}

/// Whether a node packs values into a list, tuple or dict, or is a constant.
bool is_container(const ir::Node& node) {
  return node.target.starts_with("prim::") &&
         (node.target.ends_with("Construct") || ir::reads_of(node).empty());
}

class Search {
 public:
  Search(
      const ir::Graph& graph,
      const Definitions& definitions,
      const AliasSets& aliases,
      bool rematerialise)
      : graph_(graph),
        definitions_(definitions),
        aliases_(aliases),
        rematerialise_(rematerialise),
        pure_(graph.nodes.size(), false),
        visited_from_(graph.nodes.size(), -1) {}

  FreeNodes run() {
    const size_t count = graph_.nodes.size();
    FreeNodes out{std::vector<bool>(count), std::vector<std::string>(count)};
    for (size_t i = 0; i < count; ++i) {
      const int node = static_cast<int>(i);
      if (is_pure(node)) {
        if (const auto sources = try_find_sources(node)) {
          pure_[i] = true;
          out.sources[i] = *sources;
        }
      }
      out.is_free[i] = pure_[i] || is_container(graph_.nodes[i]);
    }
    return out;
  }

 private:
  bool is_pure(int position) const {
    const ir::Node& node = graph_.nodes[position];
    return rematerialise_ && !node.effects.random &&
           data_writes(node).empty() && does_work(graph_, node) &&
           is_known_cheap(node.target) &&
           std::ranges::none_of(
               node.inputs,
               [](const ir::NamedArg& input) {
                 return owns_graph(input.arg);
               }) &&
           has_modest_results(node) && reads_only_free(node);
  }

  bool has_modest_results(const ir::Node& node) const {
    uint64_t elements = 0;
    for (const ir::ValueId id : ir::defines_of(node)) {
      const ir::Value& value = graph_.values[id];
      if (!value.tensor) {
        continue;
      }
      const uint64_t count = num_elements(*value.tensor);
      elements += count;
      const bool is_float = ir::is_differentiable(value.tensor->dtype);
      if (value.tensor->requires_grad || aliases_.of(id).is_written() ||
          count > (is_float ? kMaxFloatElements : kMaxOtherElements)) {
        return false;
      }
    }
    // A product over a dimension of one or two costs no more than an addition.
    return flops(graph_, node) <= 4 * elements;
  }

  bool reads_only_free(const ir::Node& node) const {
    return std::ranges::all_of(ir::reads_of(node), [&](ir::ValueId id) {
      if (is_scalar(graph_.values[id])) {
        return true;  // a size, which every stage has
      }
      if (aliases_.of(id).is_written()) {
        return false;
      }
      if (const int made = definitions_.made_at[id]; made >= 0) {
        return pure_[made] == true;
      }
      if (const int state = definitions_.state_of[id]; state >= 0) {
        return graph_.states[state].kind != ir::StateKind::Parameter;
      }
      const auto& tensor = graph_.values[id].tensor;
      return tensor && !ir::is_differentiable(tensor->dtype);
    });
  }

  /// The names of the inputs and buffers from which a node's results are
  /// computed; nullopt if that takes more than kMaxRecomputedNodes nodes.
  std::optional<std::string> try_find_sources(int position) {
    std::vector<int> open{position};
    std::set<std::string> names;
    bool reads_sizes = false;
    int count = 0;
    visited_from_[position] = position;
    while (!open.empty()) {
      const int current = open.back();
      open.pop_back();
      if (++count > kMaxRecomputedNodes) {
        return std::nullopt;
      }
      for (const ir::ValueId id : ir::reads_of(graph_.nodes[current])) {
        const int made = definitions_.made_at[id];
        if (is_scalar(graph_.values[id])) {
          reads_sizes = true;
        } else if (made >= 0) {
          if (visited_from_[made] != position) {
            visited_from_[made] = position;
            open.push_back(made);
          }
        } else if (const int state = definitions_.state_of[id]; state >= 0) {
          names.insert(graph_.states[state].fqn);
        } else {
          names.insert(graph_.inputs[definitions_.input_of[id]].name);
        }
      }
    }
    if (names.empty()) {
      return reads_sizes ? "sizes" : "constants";
    }
    return join(names);
  }

  const ir::Graph& graph_;
  const Definitions& definitions_;
  const AliasSets& aliases_;
  bool rematerialise_;
  std::vector<bool> pure_;         // by node: reads no value with a gradient
  std::vector<int> visited_from_;  // by node: the last search that met it
};

}  // namespace

FreeNodes find_free_nodes(
    const ir::Graph& graph,
    const Definitions& definitions,
    const AliasSets& aliases,
    bool rematerialise) {
  return Search(graph, definitions, aliases, rematerialise).run();
}

}  // namespace pp
