#include "splitter/cut/cut.h"

#include <algorithm>
#include <set>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/walk.h"
#include "splitter/cut/cut_sweep.h"
#include "splitter/cut/modules.h"
#include "splitter/cut/operators.h"

namespace pp {

namespace {

/// The split points that name each position, outer modules first.
std::vector<std::vector<std::string>> names_by_position(
    const ir::Graph& graph) {
  std::vector<std::vector<std::string>> names(graph.nodes.size() + 1);
  const auto spans = module_spans(graph);
  for (const SplitSide side : {SplitSide::Beginning, SplitSide::End}) {
    for (const auto& [fqn, span] : spans) {
      names[position_of(span, side)].push_back(to_string({fqn, side}));
    }
  }
  return names;
}

Cut to_cut(const ir::Graph& graph, CutReport report) {
  Cut cut;
  cut.position = report.position;
  cut.crossing = std::move(report.crossing);
  for (const ir::ValueId id : cut.crossing) {
    cut.num_bytes += num_bytes(graph.values[id]);
  }
  return cut;
}

[[noreturn]] void refuse_inside(const ir::Node& node, const std::string& fqn) {
  const std::string& module = ir::module_of(node);
  throw usage_error(
      "split point '" + fqn + "': this module runs inside '" + node.name +
      "' (" + node.target + (module.empty() ? "" : " in " + module) +
      "), but a branch or loop must run in one stage; cut before or after it");
}

/// Refuses a module that runs only inside branches and loops, where there is no
/// place to cut.
void refuse_inside_blocks(const ir::Graph& graph, const std::string& fqn) {
  for (const ir::Node& node : graph.nodes) {
    if (any_node_inside(node, [&](const ir::Node& inner) {
          return ir::is_under(ir::module_of(inner), fqn);
        })) {
      refuse_inside(node, fqn);
    }
  }
}

/// Refuses a module whose state a branch or loop reads, because the module runs
/// inside that branch or loop.
void refuse_state_inside_block(
    const ir::Graph& graph, const ir::State& state, const std::string& fqn) {
  for (const ir::Node& node : graph.nodes) {
    const bool owns_blocks =
        std::ranges::any_of(node.inputs, [](const ir::NamedArg& input) {
          return std::holds_alternative<ir::SubGraph>(input.arg.value);
        });
    const auto reads = ir::reads_of(node);
    if (owns_blocks && std::ranges::find(reads, state.value) != reads.end()) {
      refuse_inside(node, fqn);
    }
  }
}

[[noreturn]] void fail_unknown(
    const ir::Graph& graph,
    const std::map<std::string, ModuleSpan>& spans,
    const std::string& fqn) {
  refuse_inside_blocks(graph, fqn);
  for (const ir::State& state : graph.states) {
    if (ir::is_under(state.fqn, fqn)) {
      refuse_state_inside_block(graph, state, fqn);
      throw usage_error(
          "split point '" + fqn +
          "': the graph never calls this module (it only holds '" + state.fqn +
          "'), so there is no place to cut");
    }
  }
  std::vector<std::string> modules;
  modules.reserve(spans.size());
  for (const auto& [name, span] : spans) {
    modules.push_back(name);
  }
  throw usage_error(
      "split point '" + fqn + "': the model has no such module" +
      did_you_mean(fqn, modules));
}

/// The first and last node that do work and aren't free. A stage needs at least
/// one such node; without one, it would be empty.
std::pair<int, int> working_range(const Flow& flow) {
  int first = flow.end;
  int last = -1;
  for (int i = 0; i < flow.end; ++i) {
    if (!flow.is_free[i] && does_work(*flow.graph, flow.graph->nodes[i])) {
      first = std::min(first, i);
      last = i;
    }
  }
  return {first, last};
}

struct NamedCut {
  int position = 0;
  std::string name;
  SplitSide side = SplitSide::Beginning;
};

std::vector<NamedCut> locate(
    const ir::Graph& graph, const std::vector<SplitPoint>& points) {
  const auto spans = module_spans(graph);
  std::vector<NamedCut> out;
  for (const SplitPoint& point : points) {
    const auto span = spans.find(point.fqn);
    if (span == spans.end()) {
      fail_unknown(graph, spans, point.fqn);
    }
    out.push_back(
        {position_of(span->second, point.side), to_string(point), point.side});
  }
  std::ranges::stable_sort(out, {}, &NamedCut::position);
  return out;
}

bool has_work(const ir::Graph& graph, int begin, int end) {
  for (int i = begin; i < end; ++i) {
    if (does_work(graph, graph.nodes[i])) {
      return true;
    }
  }
  return false;
}

struct MergedCut {
  int position = 0;
  std::vector<std::string> names;
  SplitSide side = SplitSide::Beginning;  ///< side of the last name
};

/// Merges cuts that mean the same place.
std::vector<MergedCut> merge_coinciding(
    const ir::Graph& graph, const std::vector<NamedCut>& cuts) {
  std::vector<MergedCut> out;
  for (const NamedCut& cut : cuts) {
    if (!out.empty()) {
      MergedCut& last = out.back();
      const bool meets = last.side == SplitSide::End &&
                         cut.side == SplitSide::Beginning &&
                         !has_work(graph, last.position, cut.position);
      if (last.position == cut.position || meets) {
        last.position = cut.position;
        last.side = cut.side;
        if (std::ranges::find(last.names, cut.name) == last.names.end()) {
          last.names.push_back(cut.name);
        }
        continue;
      }
    }
    out.push_back({cut.position, {cut.name}, cut.side});
  }
  return out;
}

void refuse_empty_stages(
    const ir::Graph& graph, const std::vector<MergedCut>& cuts) {
  const int end = static_cast<int>(graph.nodes.size());
  const auto quoted = [](const MergedCut& cut) {
    return "'" + cut.names.front() + "'";
  };
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const int from = i == 0 ? 0 : cuts[i - 1].position;
    const int to = i == cuts.size() ? end : cuts[i].position;
    if (has_work(graph, from, to)) {
      continue;
    }
    if (i == 0) {
      throw usage_error(
          "nothing runs before " + quoted(cuts[i]) +
          ", so the first stage would be empty; drop that split point");
    }
    if (i == cuts.size()) {
      throw usage_error(
          "nothing runs after " + quoted(cuts[i - 1]) +
          ", so the last stage would be empty; drop that split point");
    }
    throw usage_error(
        "nothing runs between " + quoted(cuts[i - 1]) + " and " +
        quoted(cuts[i]) + ", so stage " + std::to_string(i) +
        " would be empty; drop one of the two");
  }
}

std::vector<Cut> make_cuts(
    const Flow& flow, const std::vector<NamedCut>& named) {
  if (named.empty()) {
    return {};
  }
  const ir::Graph& graph = *flow.graph;
  const auto merged = merge_coinciding(graph, named);
  refuse_empty_stages(graph, merged);
  CutSweep sweep(flow);
  std::vector<Cut> out;
  for (const MergedCut& cut : merged) {
    CutReport report = sweep.at(cut.position);
    if (report.refusal) {
      throw usage_error(
          "can't cut at '" + cut.names.front() + "': " + *report.refusal);
    }
    out.push_back(to_cut(graph, std::move(report)));
    out.back().names = cut.names;
  }
  return out;
}

}  // namespace

std::vector<Cut> legal_cuts(const Flow& flow) {
  auto names = names_by_position(*flow.graph);
  CutSweep sweep(flow);
  std::vector<Cut> out;
  const auto [first, last] = working_range(flow);
  for (int position = first + 1; position <= last; ++position) {
    CutReport report = sweep.at(position);
    if (!report.refusal) {
      out.push_back(to_cut(*flow.graph, std::move(report)));
      out.back().names = std::move(names[position]);
    }
  }
  return out;
}

std::vector<Cut> resolve(
    const Flow& flow, const std::vector<SplitPoint>& points) {
  return make_cuts(flow, locate(*flow.graph, points));
}

std::vector<Cut> marked_cuts(const Flow& flow) {
  const ir::Graph& graph = *flow.graph;
  std::vector<NamedCut> cuts;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (any_node_inside(graph.nodes[i], is_marker)) {
      throw usage_error(
          "a marker lies inside '" + graph.nodes[i].name + "' (" +
          graph.nodes[i].target +
          "), but a branch or loop must run in one stage; call pipe_split() "
          "before or after it");
    }
    if (is_marker(graph.nodes[i])) {
      cuts.push_back(
          {static_cast<int>(i),
           "marker " + std::to_string(cuts.size() + 1),
           SplitSide::End});
    }
  }
  if (cuts.empty()) {
    throw usage_error(
        "the graph has no markers to cut at; call pipe_split() in the model "
        "before exporting it, or name modules with --at");
  }
  return make_cuts(flow, cuts);
}

}  // namespace pp
