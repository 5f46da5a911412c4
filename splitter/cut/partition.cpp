#include "splitter/cut/partition.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/ir/lint.h"
#include "loader/ir/walk.h"
#include "splitter/cut/balance.h"
#include "splitter/cut/boundary.h"
#include "splitter/cut/describe.h"
#include "splitter/cut/input_writes.h"
#include "splitter/cut/modules.h"
#include "splitter/cut/operators.h"
#include "splitter/cut/stage_graph.h"

namespace pp {

namespace {

/// The index of the stage that runs node `position`.
size_t stage_of(const std::vector<StagePlan>& plans, int position) {
  const auto found = std::ranges::find_if(
      plans, [&](const StagePlan& plan) { return position < plan.end; });
  return static_cast<size_t>(found - plans.begin());
}

/// Adds states that no node reads to the stage that runs their module, or to
/// the first stage, so that merging finds them.
void place_unread_states(
    const ir::Graph& graph, std::vector<StagePlan>& plans) {
  const auto spans = module_spans(graph);
  const auto home = [&](std::string fqn) -> size_t {
    for (size_t dot = fqn.rfind('.'); dot != std::string::npos;
         dot = fqn.rfind('.')) {
      fqn.resize(dot);
      if (const auto span = spans.find(fqn); span != spans.end()) {
        return stage_of(plans, span->second.first);
      }
    }
    return 0;
  };
  for (size_t i = 0; i < graph.states.size(); ++i) {
    const int index = static_cast<int>(i);
    const bool held = std::ranges::any_of(plans, [&](const StagePlan& plan) {
      return plan.states.contains(index);
    });
    if (!held) {
      plans[home(graph.states[i].fqn)].states.insert(index);
    }
  }
}

/// Adds to every stage that has a state the states that share its memory, so
/// that each of these stages sees all updates of the memory, in the same order.
void complete_shared_memory(
    const ir::Graph& graph, std::vector<StagePlan>& plans) {
  std::map<std::string, std::set<int>> groups;
  for (size_t i = 0; i < graph.states.size(); ++i) {
    if (!graph.states[i].memory.empty()) {
      groups[graph.states[i].memory].insert(static_cast<int>(i));
    }
  }
  for (StagePlan& plan : plans) {
    for (const auto& [memory, group] : groups) {
      if (std::ranges::any_of(
              group, [&](int state) { return plan.states.contains(state); })) {
        plan.states.insert(group.begin(), group.end());
      }
    }
  }
}

/// Refuses writes to states that share memory with others, because the writes
/// would have to change the others too, even in other stages.
void refuse_shared_writes(const Flow& flow) {
  for (const ir::State& state : flow.graph->states) {
    if (state.memory.empty() || !flow.aliases.of(state.value).is_written()) {
      continue;
    }
    for (const ir::State& other : flow.graph->states) {
      if (other.memory == state.memory && other.fqn != state.fqn) {
        throw input_error(
            "the model writes to '" + state.fqn +
            "', which shares memory with '" + other.fqn +
            "'; give one of them memory of its own (clone()) before the "
            "export");
      }
    }
  }
}

int count_given(const SplitSpec& spec) {
  return static_cast<int>(!spec.at.empty()) +
         static_cast<int>(spec.num_stages != 0) +
         static_cast<int>(spec.markers);
}

void note_dropped_markers(
    const ir::Graph& graph, const SplitSpec& spec, Partition& partition) {
  const auto count = std::ranges::count_if(graph.nodes, is_marker);
  if (count > 0 && !spec.markers) {
    partition.manifest.stages.front().notes.push_back(
        "drops " + count_text(count, "split marker", "split markers") +
        ": only --markers cuts at them");
  }
}

}  // namespace

std::vector<Cut> choose_cuts(const SplitFlow& flow, const SplitSpec& spec) {
  if (count_given(spec) > 1) {
    throw usage_error(
        "a split is given by split points, a number of stages, or markers: "
        "use only one of them");
  }
  if (spec.markers) {
    return marked_cuts(flow.for_cuts());
  }
  if (spec.num_stages != 0) {
    return balance_cuts(flow, spec);
  }
  return resolve(flow.for_cuts(), spec.at);
}

Partition partition_graph(
    const Flow& flow, const std::vector<Cut>& cuts, bool transmit) {
  refuse_shared_writes(flow);
  const ir::Graph& graph = *flow.graph;
  std::vector<int> positions;
  Partition out;
  for (const Cut& cut : cuts) {
    positions.push_back(cut.position);
    out.manifest.cuts.push_back(
        cut.names.empty() ? "node " + std::to_string(cut.position)
                          : cut.names.front());
  }
  std::vector<StagePlan> plans =
      plan_stages(flow, positions, transmit, out.manifest.cuts);
  place_unread_states(graph, plans);
  complete_shared_memory(graph, plans);
  for (size_t i = 0; i < plans.size(); ++i) {
    const bool last = i + 1 == plans.size();
    out.stages.push_back(
        build_stage(flow, plans[i], last ? nullptr : &plans[i + 1]));
    ir::lint(out.stages.back(), "stage " + std::to_string(i));
  }
  describe_model(graph, out.manifest);
  describe_stages(flow, plans, out.stages, transmit, out.manifest);
  return out;
}

Partition partition(const Model& model, const SplitSpec& spec) {
  const SplitFlow flow(model.graph, spec.rematerialise);
  return partition(model, flow, spec, choose_cuts(flow, spec));
}

Partition partition(
    const Model& model,
    const SplitFlow& flow,
    const SplitSpec& spec,
    const std::vector<Cut>& cuts) {
  refuse_input_writes(model.graph);
  Partition out = partition_graph(
      flow.for_stages(), cuts, spec.tied == TiedParameters::Transmit);
  out.manifest.format = model.format;
  note_dropped_markers(model.graph, spec, out);
  return out;
}

}  // namespace pp
