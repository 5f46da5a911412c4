#include "splitter/cut_sweep.h"

#include <algorithm>
#include <set>

#include "loader/ir/walk.h"
#include "splitter/operators.h"
#include "splitter/sizes.h"

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

/// Whether a value can be sent: a tensor or a number.
bool can_travel(const ir::Value& value) {
  return value.type.kind == ir::TypeKind::Tensor || is_scalar(value);
}

}  // namespace

CutSweep::CutSweep(const Flow& flow)
    : flow_(&flow),
      owned_(static_cast<size_t>(flow.end) + 1, -1),
      after_write_(static_cast<size_t>(flow.end)) {
  for (size_t i = 0; i < flow.aliases.sets.size(); ++i) {
    const AliasSet& set = flow.aliases.sets[i];
    if (set.is_written_state()) {
      for (int p = set.first_touch + 1; p <= set.writes.back(); ++p) {
        owned_[p] = static_cast<int>(i);
      }
    }
  }
  // A written state is a value like any other after its last write, a written
  // user input after its first.
  for (size_t i = 0; i < flow.graph->values.size(); ++i) {
    const auto id = static_cast<ir::ValueId>(i);
    const AliasSet& set = flow.aliases.of(id);
    if (set.is_written() && flow.state_of[id] >= 0) {
      after_write_[set.writes.back()].push_back(id);
    } else if (set.is_written() && flow.input_of[id] >= 0) {
      after_write_[set.writes.front()].push_back(id);
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
    for (const ir::ValueId id : after_write_[next_]) {
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

std::optional<std::string> CutSweep::refusal_at(int position) const {
  if (owned_[position] >= 0) {
    const AliasSet& set = flow_->aliases.sets[owned_[position]];
    const auto split = std::ranges::lower_bound(set.writes, position);
    const std::string name = state_name(*flow_, set);
    return split == set.writes.begin()
               ? "'" + name +
                     "' would be read before it and written after "
                     "it, and only the stage that writes a buffer holds it"
               : "'" + name +
                     "' would be written by two stages, and one "
                     "stage must own a buffer";
  }
  return std::nullopt;
}

CutReport CutSweep::at(int position) {
  advance(position);
  CutReport report;
  report.position = position;
  report.refusal = refusal_at(position);
  const Flow& flow = *flow_;

  std::vector<ir::ValueId> tensors;
  std::vector<ir::ValueId> scalars;
  std::set<int> rooted;
  const auto refuse = [&](const std::string& why) {
    if (!report.refusal) {
      report.refusal = why;
    }
  };
  const auto enter_by_root = [&](const AliasSet& set, int id) {
    if (!rooted.insert(id).second) {
      return;
    }
    bool wanted = false;
    for (const ir::ValueId member : set.members) {
      if (flow.made_at[member] >= position ||
          !flow.is_needed_from(member, position)) {
        continue;
      }
      wanted = true;
      if (member == set.root) {
        continue;
      }
      if (!flow.aliases.can_replay(*flow.graph, member, position)) {
        refuse(
            "'" + flow.value(member).name + "' shares memory with '" +
            flow.value(set.root).name + "', which " +
            node_label(*flow.graph, set.writes.back()) +
            " writes to later, and can't be made again from a copy");
      }
      for (ir::ValueId at = member; at != set.root;
           at = flow.aliases.steps[at].from) {
        for (const ir::ValueId read :
             ir::reads_of(flow.graph->nodes[flow.aliases.steps[at].node])) {
          if (is_scalar(flow.value(read)) && flow.made_at[read] < position &&
              flow.made_at[read] >= 0) {
            scalars.push_back(read);
          }
        }
      }
    }
    if (wanted && !flow.is_user_input_at(set.root, position)) {
      tensors.push_back(set.root);
    }
  };

  for (const ir::ValueId id : active_) {
    const AliasSet& set = flow.aliases.of(id);
    if (!can_travel(flow.value(id))) {
      refuse(
          "'" + flow.value(id).name +
          "' would cross it, and is neither a tensor nor a number");
    } else if (is_scalar(flow.value(id))) {
      scalars.push_back(id);
    } else if (flow.enters_as_root(set, position)) {
      enter_by_root(set, flow.aliases.set_of[id]);
    } else {
      if (set.is_written() && !set.has_state && position <= set.writes.back() &&
          !rooted.insert(flow.aliases.set_of[id]).second) {
        refuse(
            "values that share memory with '" + flow.value(id).name +
            "' would cross it, and " +
            node_label(*flow.graph, set.writes.back()) +
            " writes to them later");
      }
      tensors.push_back(id);
    }
  }

  SizeFinder sizes(flow);
  for (const ir::ValueId id : tensors) {
    if (flow.needed_until[id] >= position) {
      sizes.add(id);
    }
  }
  for (const ir::Input& input : flow.graph->inputs) {
    if (flow.needed_until[input.value] >= position &&
        flow.is_user_input_at(input.value, position)) {
      sizes.add(input.value);
    }
  }
  report.crossing = std::move(tensors);
  std::ranges::sort(scalars);
  const auto repeated = std::ranges::unique(scalars);
  scalars.erase(repeated.begin(), repeated.end());
  for (const ir::ValueId id : scalars) {
    std::vector<int> nodes;
    if (!sizes.can_make(id, nodes)) {
      report.crossing.push_back(id);
    }
  }
  std::ranges::sort(report.crossing, [&](ir::ValueId a, ir::ValueId b) {
    return std::pair(flow.made_at[a], a) < std::pair(flow.made_at[b], b);
  });
  return report;
}

}  // namespace pp
