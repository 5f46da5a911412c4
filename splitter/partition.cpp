#include "splitter/partition.h"

#include <algorithm>

#include "loader/core/error.h"
#include "loader/ir/lint.h"
#include "loader/ir/walk.h"
#include "splitter/balance.h"
#include "splitter/boundary.h"
#include "splitter/describe.h"
#include "splitter/input_writes.h"
#include "splitter/modules.h"
#include "splitter/operators.h"
#include "splitter/stage_graph.h"

namespace pp {

namespace {

/// The stage that runs node `position`.
size_t stage_of(const std::vector<StagePlan>& plans, int position) {
  const auto found = std::ranges::find_if(
      plans, [&](const StagePlan& plan) { return position < plan.end; });
  return static_cast<size_t>(found - plans.begin());
}

/// States that nobody reads go where their module runs, so that merging gives
/// them back; else to the first stage.
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
        "drops " + std::to_string(count) +
        " split markers: they count only with --markers");
  }
}

}  // namespace

std::vector<Cut> choose_cuts(const ir::Graph& graph, const SplitSpec& spec) {
  if (count_given(spec) > 1) {
    throw usage_error(
        "a split is given by split points, a number of stages, or markers: "
        "name only one of them");
  }
  if (spec.markers) {
    return marked_cuts(graph);
  }
  if (spec.num_stages != 0) {
    return balance_cuts(graph, spec);
  }
  return resolve(graph, spec.at);
}

Partition partition_graph(
    const ir::Graph& graph,
    const std::vector<Cut>& cuts,
    const PartitionOptions& options) {
  const Flow flow =
      analyse_flow(graph, {options.rematerialise, options.transmit});
  std::vector<int> positions;
  Partition out;
  for (const Cut& cut : cuts) {
    positions.push_back(cut.position);
    out.manifest.cuts.push_back(
        cut.names.empty() ? "node " + std::to_string(cut.position)
                          : cut.names.front());
  }
  std::vector<StagePlan> plans =
      plan_stages(flow, positions, out.manifest.cuts);
  place_unread_states(graph, plans);
  for (size_t i = 0; i < plans.size(); ++i) {
    const bool last = i + 1 == plans.size();
    out.stages.push_back(
        build_stage(flow, plans[i], last ? nullptr : &plans[i + 1]));
    ir::lint(out.stages.back(), "stage " + std::to_string(i));
  }
  describe_model(graph, out.manifest);
  describe_stages(flow, plans, out.stages, out.manifest);
  return out;
}

Partition partition(const Model& model, const SplitSpec& spec) {
  return partition(model, spec, choose_cuts(model.graph, spec));
}

Partition partition(
    const Model& model, const SplitSpec& spec, const std::vector<Cut>& cuts) {
  refuse_input_writes(model.graph);
  Partition out =
      partition_graph(model.graph, cuts, {spec.rematerialise, spec.transmit});
  out.manifest.format = model.format;
  note_dropped_markers(model.graph, spec, out);
  return out;
}

}  // namespace pp
