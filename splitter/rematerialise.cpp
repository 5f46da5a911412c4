#include "splitter/rematerialise.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "loader/ir/walk.h"
#include "splitter/flops.h"
#include "splitter/operators.h"

namespace pp {

namespace {

// Sizes up to which a value is made again rather than sent: tables of floats
// cost arithmetic, masks and positions next to nothing.
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

/// Packs values into a list, tuple or dict, or is a constant.
bool is_container(const ir::Node& node) {
  return node.target.starts_with("prim::") &&
         (node.target.ends_with("Construct") || ir::reads_of(node).empty());
}

class Search {
 public:
  Search(Flow& flow, const FlowOptions& options)
      : flow_(flow),
        graph_(*flow.graph),
        rematerialise_(options.rematerialise),
        pure_(graph_.nodes.size(), false),
        seen_at_(graph_.nodes.size(), -1) {}

  void run() {
    const size_t count = graph_.nodes.size();
    flow_.is_free.assign(count, false);
    flow_.why_free.assign(count, {});
    for (size_t i = 0; i < count; ++i) {
      const int node = static_cast<int>(i);
      pure_[i] = is_pure(node);
      flow_.is_free[i] = pure_[i] || is_container(graph_.nodes[i]);
    }
  }

 private:
  bool is_pure(int position) {
    const ir::Node& node = graph_.nodes[position];
    return rematerialise_ && !node.effects.random &&
           data_writes(node).empty() && does_work(graph_, node) &&
           is_known_cheap(node.target) &&
           std::ranges::none_of(
               node.inputs,
               [](const ir::NamedArg& input) {
                 return owns_graph(input.arg);
               }) &&
           has_modest_results(node) && reads_only_free(node) &&
           is_short(position);
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
      const bool is_float = ir::is_floating(value.tensor->dtype);
      if (value.tensor->requires_grad || flow_.aliases.of(id).is_written() ||
          count > (is_float ? kMaxFloatElements : kMaxOtherElements)) {
        return false;
      }
    }
    // A product over a dimension of one or two costs no more than adding.
    return flops(graph_, node) <= 4 * elements;
  }

  bool reads_only_free(const ir::Node& node) const {
    return std::ranges::all_of(ir::reads_of(node), [&](ir::ValueId id) {
      if (is_scalar(graph_.values[id])) {
        return true;  // a size, at hand in every stage
      }
      if (flow_.aliases.of(id).is_written()) {
        return false;
      }
      if (flow_.made_at[id] >= 0) {
        return pure_[flow_.made_at[id]] == true;
      }
      if (flow_.state_of[id] >= 0) {
        return graph_.states[flow_.state_of[id]].kind !=
               ir::StateKind::Parameter;
      }
      const auto& tensor = graph_.values[id].tensor;
      return tensor && !ir::is_floating(tensor->dtype);
    });
  }

  // Counts the nodes behind a node and notes what they start from.
  bool is_short(int position) {
    std::vector<int> open{position};
    std::set<std::string> leaves;
    bool sizes = false;
    int count = 0;
    seen_at_[position] = position;
    while (!open.empty()) {
      const int current = open.back();
      open.pop_back();
      if (++count > kMaxRecomputedNodes) {
        return false;
      }
      for (const ir::ValueId id : ir::reads_of(graph_.nodes[current])) {
        const int made = flow_.made_at[id];
        if (is_scalar(graph_.values[id])) {
          sizes = true;
        } else if (made >= 0) {
          if (seen_at_[made] != position) {
            seen_at_[made] = position;
            open.push_back(made);
          }
        } else if (flow_.state_of[id] >= 0) {
          leaves.insert(graph_.states[flow_.state_of[id]].fqn);
        } else {
          leaves.insert(graph_.inputs[flow_.input_of[id]].name);
        }
      }
    }
    std::string why;
    for (const std::string& leaf : leaves) {
      why += (why.empty() ? "" : ", ") + leaf;
    }
    flow_.why_free[position] =
        why.empty() ? (sizes ? "sizes" : "constants") : why;
    return true;
  }

  Flow& flow_;
  const ir::Graph& graph_;
  bool rematerialise_;
  std::vector<bool> pure_;  // by node: made of what no gradient reaches
  std::vector<int> seen_at_;
};

}  // namespace

void find_free_nodes(Flow& flow, const FlowOptions& options) {
  Search(flow, options).run();
}

}  // namespace pp
