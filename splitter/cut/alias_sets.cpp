#include "splitter/cut/alias_sets.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

#include "loader/ir/walk.h"
#include "splitter/cut/operators.h"

namespace pp {

namespace {

class Finder {
 public:
  Finder(const ir::Graph& graph, const std::vector<int>& made_at)
      : graph_(graph), made_at_(made_at), parent_(graph.values.size()) {
    std::iota(parent_.begin(), parent_.end(), 0);
    out_.steps.resize(graph.values.size());
  }

  AliasSets run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      join(graph_.nodes[i], static_cast<int>(i));
    }
    collect();
    mark_touches();
    mark_mutations();
    return std::move(out_);
  }

 private:
  ir::ValueId find(ir::ValueId id) {
    while (parent_[id] != id) {
      parent_[id] = parent_[parent_[id]];
      id = parent_[id];
    }
    return id;
  }

  void join(const ir::Node& node, int position) {
    for (const auto& [output, input] : node.effects.aliases) {
      parent_[find(output)] = find(input);
      AliasStep& step = out_.steps[output];
      if (step.node >= 0 && step.from != input) {
        step.from = ir::kNoValue;  // it shares memory with several operands
        continue;
      }
      step.node = position;
      step.from = input;
      step.same = std::ranges::find(node.effects.writes, input) !=
                  node.effects.writes.end();
    }
  }

  void collect() {
    out_.set_of.assign(graph_.values.size(), -1);
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      const auto id = static_cast<ir::ValueId>(i);
      const ir::ValueId leader = find(id);
      if (out_.set_of[leader] < 0) {
        out_.set_of[leader] = static_cast<int>(out_.sets.size());
        out_.sets.emplace_back();
        out_.sets.back().first_touch = static_cast<int>(graph_.nodes.size());
      }
      out_.set_of[id] = out_.set_of[leader];
      out_.sets[out_.set_of[id]].members.push_back(id);
    }
    for (AliasSet& set : out_.sets) {
      set.root = root_of(set);
    }
    for (const ir::State& state : graph_.states) {
      out_.sets[out_.set_of[state.value]].has_state = true;
    }
  }

  /// The only member that isn't made from another one, provided that each of
  /// the others is made from one member; else kNoValue.
  ir::ValueId root_of(const AliasSet& set) const {
    ir::ValueId root = ir::kNoValue;
    for (const ir::ValueId member : set.members) {
      const AliasStep& step = out_.steps[member];
      const bool is_root = step.node < 0;
      const bool has_several_bases = !is_root && step.from == ir::kNoValue;
      if (has_several_bases || (is_root && root != ir::kNoValue)) {
        return ir::kNoValue;
      }
      root = is_root ? member : root;
    }
    return root;
  }

  void mark_touches() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const int position = static_cast<int>(i);
      for (const ir::ValueId id : ir::reads_of(graph_.nodes[i])) {
        AliasSet& set = out_.sets[out_.set_of[id]];
        set.first_touch = std::min(set.first_touch, position);
      }
      for (const ir::ValueId id : data_writes(graph_.nodes[i])) {
        add_write(id, position);
      }
    }
  }

  void add_write(ir::ValueId id, int position) {
    auto& writes = out_.sets[out_.set_of[id]].writes;
    const auto place = std::ranges::lower_bound(writes, position);
    if (place == writes.end() || *place != position) {
      writes.insert(place, position);
    }
  }

  void mark_mutations() {
    for (const ir::Mutation& mutation : graph_.mutations) {
      const int state = ir::try_find_state(graph_, mutation.fqn);
      const ir::ValueId buffer = graph_.states[state].value;
      const AliasSet& set = out_.of(buffer);
      const int end = static_cast<int>(graph_.nodes.size()) - 1;
      const int made = made_at_[mutation.value];
      add_write(buffer, made >= 0 ? made : std::min(set.first_touch, end));
    }
  }

  const ir::Graph& graph_;
  const std::vector<int>& made_at_;
  std::vector<ir::ValueId> parent_;  // by value, in the union-find tree
  AliasSets out_;
};

/// Whether an operator's result always shares memory with its operand. Other
/// operators (reshape, to) may copy.
bool is_view(std::string_view name) {
  constexpr std::array<std::string_view, 34> kViews{
      "alias",     "as_strided", "chunk",      "detach",   "detach_",
      "diagonal",  "expand",     "expand_as",  "getitem",  "imag",
      "lift",      "movedim",    "narrow",     "numpy_T",  "permute",
      "real",      "select",     "slice",      "split",    "split_with_sizes",
      "squeeze",   "squeeze_",   "swapaxes",   "swapdims", "t",
      "t_",        "transpose",  "transpose_", "unbind",   "unfold",
      "unsqueeze", "unsqueeze_", "view",       "view_as"};
  return std::ranges::find(kViews, name) != kViews.end();
}

}  // namespace

bool AliasSets::can_replay(
    const ir::Graph& graph, ir::ValueId member, int position) const {
  const AliasSet& set = of(member);
  if (set.root == ir::kNoValue) {
    return false;
  }
  for (ir::ValueId id = member; id != set.root; id = steps[id].from) {
    const AliasStep& step = steps[id];
    if (step.same) {
      continue;
    }
    const ir::Node& node = graph.nodes[step.node];
    if (node.effects.random || !data_writes(node).empty()) {
      return false;
    }
    if (!is_view(operator_name(node.target))) {
      const auto write = std::ranges::upper_bound(set.writes, step.node);
      if (write != set.writes.end() && *write < position) {
        return false;
      }
    }
  }
  return true;
}

AliasSets find_alias_sets(
    const ir::Graph& graph, const std::vector<int>& made_at) {
  return Finder(graph, made_at).run();
}

}  // namespace pp
