#include "runtime/stage/stage_programs.h"

#include <algorithm>

#include "loader/core/error.h"
#include "runtime/program/written_memory.h"

namespace pp {

namespace {

/// Which outputs a program must give, by position. A value that only passes
/// through needs none, unless the graph writes it: then it is passed on as
/// written.
std::vector<uint8_t> wanted_outputs(
    const ir::Graph& graph, const Border& border) {
  // Nodes that write are never left out, so all count.
  const WrittenMemory memory(
      graph, std::vector<uint8_t>(graph.nodes.size(), 1));
  std::vector<uint8_t> wanted;
  for (const ExitPoint& exit : border.exits) {
    const bool needed = exit.to_next || !exit.model_output.empty();
    const bool passes_through =
        exit.relay_input >= 0 &&
        !memory.is_written(graph.inputs.at(exit.relay_input).value);
    wanted.push_back(needed && !passes_through ? 1 : 0);
  }
  return wanted;
}

}  // namespace

StagePrograms compile_programs(
    const ir::Graph& graph,
    const Border& border,
    const std::optional<ir::Graph>& eval_graph,
    const std::string& where,
    const Recompute& recompute,
    c10::Device device) {
  const auto compile = [&](const ir::Graph& each) {
    return Program(
        each, {wanted_outputs(each, border), where, recompute.modules, device});
  };
  std::optional<Program> eval;
  if (eval_graph) {
    eval = compile(*eval_graph);
  }
  StagePrograms programs{compile(graph), std::move(eval), {}, recompute.stage};
  for (const ir::Mutation& mutation : graph.mutations) {
    const auto state =
        std::ranges::find(graph.states, mutation.fqn, &ir::State::fqn);
    check(state != graph.states.end(), "a mutation must name a state");
    programs.mutated_states.push_back(
        static_cast<int>(state - graph.states.begin()));
  }
  return programs;
}

}  // namespace pp
