#include "splitter/cut/cut_sweep.h"

#include <algorithm>
#include <set>

#include "loader/ir/walk.h"
#include "splitter/cut/operators.h"
#include "splitter/cut/sizes.h"

namespace pp {

namespace {

std::string node_label(const ir::Graph& graph, int position) {
  const ir::Node& node = graph.nodes[position];
  const auto defines = ir::defines_of(node);
  const std::string name = !node.name.empty() ? node.name
                           : defines.empty()
                               ? node.target
                               : graph.values[defines.front()].name;
  return "'" + name + "'";
}

std::string state_name(const Flow& flow, const AliasSet& set) {
  for (const ir::ValueId member : set.members) {
    if (flow.state_of[member] >= 0) {
      return flow.graph->states[flow.state_of[member]].fqn;
    }
  }
  return flow.value(set.members.front()).name;
}

/// Collects what crosses one cut.
class Crossing {
 public:
  Crossing(const Flow& flow, int position, std::optional<std::string> refusal)
      : flow_(flow), position_(position), refusal_(std::move(refusal)) {}

  /// Adds a value that is alive at the cut.
  void add(ir::ValueId id) {
    const ir::Value& value = flow_.value(id);
    const AliasSet& set = flow_.aliases.of(id);
    if (is_scalar(value)) {
      scalars_.push_back(id);
    } else if (value.type.kind != ir::TypeKind::Tensor) {
      refuse(
          "'" + value.name +
          "' would cross the cut, but is neither a tensor nor a number");
    } else if (flow_.enters_as_root(set, position_)) {
      if (is_first_of_set(id)) {
        add_root(set);
      }
    } else {
      if (is_written_later(set) && !is_first_of_set(id)) {
        refuse(
            "values that share memory with '" + value.name +
            "' would cross the cut, but " +
            node_label(*flow_.graph, set.writes.back()) +
            " writes to them later");
      }
      tensors_.push_back(id);
    }
  }

  /// The tensors, and the numbers that can't be read off shapes of tensors that
  /// the next stages have.
  CutReport finish() {
    const SizeFinder sizes = find_sizes();
    CutReport report{position_, std::move(tensors_), std::move(refusal_)};
    std::ranges::sort(scalars_);
    const auto repeated = std::ranges::unique(scalars_);
    scalars_.erase(repeated.begin(), repeated.end());
    for (const ir::ValueId id : scalars_) {
      if (!sizes.can_make(id)) {
        report.crossing.push_back(id);
      }
    }
    flow_.sort_by_origin(report.crossing);
    return report;
  }

 private:
  /// Refuses the cut. The report gives only the first reason.
  void refuse(const std::string& why) {
    if (!refusal_) {
      refusal_ = why;
    }
  }

  bool is_first_of_set(ir::ValueId id) {
    return sets_met_.insert(flow_.aliases.set_of[id]).second;
  }

  bool is_written_later(const AliasSet& set) const {
    return set.is_written() && !set.has_state && position_ <= set.writes.back();
  }

  /// Adds the root of a set instead of its members, and the sizes that the next
  /// stages need to recompute the members from the root.
  void add_root(const AliasSet& set) {
    bool is_needed = false;
    for (const ir::ValueId member : set.members) {
      if (flow_.made_at[member] >= position_ ||
          !flow_.is_needed_from(member, position_)) {
        continue;
      }
      is_needed = true;
      if (member != set.root) {
        add_replay(set, member);
      }
    }
    if (is_needed && !flow_.is_user_input_at(set.root, position_)) {
      tensors_.push_back(set.root);
    }
  }

  void add_replay(const AliasSet& set, ir::ValueId member) {
    const ir::Graph& graph = *flow_.graph;
    if (!flow_.aliases.can_replay(graph, member, position_)) {
      refuse(
          "'" + flow_.value(member).name + "' shares memory with '" +
          flow_.value(set.root).name + "', which " +
          node_label(graph, set.writes.back()) + " writes to later; '" +
          flow_.value(member).name + "' can't be recomputed from a copy");
    }
    for (ir::ValueId at = member; at != set.root;
         at = flow_.aliases.steps[at].from) {
      const ir::Node& node = graph.nodes[flow_.aliases.steps[at].node];
      for (const ir::ValueId read : ir::reads_of(node)) {
        const int made = flow_.made_at[read];
        if (is_scalar(flow_.value(read)) && made >= 0 && made < position_) {
          scalars_.push_back(read);
        }
      }
    }
  }

  /// The sizes of tensors that the stages after the cut read anyway.
  SizeFinder find_sizes() const {
    SizeFinder sizes(flow_);
    for (const ir::ValueId id : tensors_) {
      if (flow_.needed_until[id] >= position_) {
        sizes.add(id);
      }
    }
    for (const ir::Input& input : flow_.graph->inputs) {
      if (flow_.needed_until[input.value] >= position_ &&
          flow_.is_user_input_at(input.value, position_)) {
        sizes.add(input.value);
      }
    }
    return sizes;
  }

  const Flow& flow_;
  int position_;
  std::optional<std::string> refusal_;
  std::vector<ir::ValueId> tensors_;
  std::vector<ir::ValueId> scalars_;
  std::set<int> sets_met_;  // sets of values that something writes later
};

}  // namespace

CutSweep::CutSweep(const Flow& flow)
    : flow_(&flow),
      owned_(static_cast<size_t>(flow.end) + 1, -1),
      settled_by_(static_cast<size_t>(flow.end)) {
  for (size_t i = 0; i < flow.aliases.sets.size(); ++i) {
    const AliasSet& set = flow.aliases.sets[i];
    if (set.is_written_state()) {
      for (int p = set.first_touch + 1; p <= set.writes.back(); ++p) {
        owned_[p] = static_cast<int>(i);
      }
    }
  }
  // After its last write, a state that nodes write crosses cuts like any other
  // value; so does a user input after its first write.
  for (size_t i = 0; i < flow.graph->values.size(); ++i) {
    const auto id = static_cast<ir::ValueId>(i);
    const AliasSet& set = flow.aliases.of(id);
    if (set.is_written() && flow.state_of[id] >= 0) {
      settled_by_[set.writes.back()].push_back(id);
    } else if (set.is_written() && flow.input_of[id] >= 0) {
      settled_by_[set.writes.front()].push_back(id);
    }
  }
}

void CutSweep::activate(ir::ValueId id) {
  const AliasSet& set = flow_->aliases.of(id);
  const bool carries_views = set.is_written() && id == set.root;
  if (flow_->is_needed_from(id, next_ + 1) || carries_views) {
    active_.push_back(id);
  }
}

void CutSweep::advance(int position) {
  for (; next_ < position; ++next_) {
    const ir::Node& node = flow_->graph->nodes[next_];
    if (!flow_->is_free[next_]) {
      for (const ir::ValueId id : ir::defines_of(node)) {
        activate(id);
      }
    }
    for (const ir::ValueId id : settled_by_[next_]) {
      activate(id);
    }
  }
  std::erase_if(active_, [&](ir::ValueId id) {
    const AliasSet& set = flow_->aliases.of(id);
    const bool carries_views = set.is_written() && !set.has_state &&
                               id == set.root && set.writes.back() >= position;
    return !flow_->is_needed_from(id, position) && !carries_views;
  });
}

std::optional<std::string> CutSweep::try_refuse_owned_state(
    int position) const {
  if (owned_[position] < 0) {
    return std::nullopt;
  }
  const AliasSet& set = flow_->aliases.sets[owned_[position]];
  const auto first_write_after = std::ranges::lower_bound(set.writes, position);
  const std::string name = "'" + state_name(*flow_, set) + "'";
  return first_write_after == set.writes.begin()
             ? name +
                   " would be read before the cut and written after it, but "
                   "only the stage that writes a buffer holds it"
             : name +
                   " would be written by two stages, but only one stage can "
                   "own a buffer";
}

CutReport CutSweep::at(int position) {
  advance(position);
  Crossing crossing(*flow_, position, try_refuse_owned_state(position));
  for (const ir::ValueId id : active_) {
    crossing.add(id);
  }
  return crossing.finish();
}

}  // namespace pp
