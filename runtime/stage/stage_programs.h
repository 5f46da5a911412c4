#pragma once

#include <optional>
#include <string>
#include <vector>

#include <c10/core/Device.h>

#include "loader/ir/graph.h"
#include "runtime/options/recompute.h"
#include "runtime/program/program.h"
#include "runtime/stage/border.h"

namespace pp {

/// A stage's graph, compiled.
struct StagePrograms {
  Program main;                 ///< to train and to infer
  std::optional<Program> eval;  ///< to evaluate; nullopt: use `main`
  /// Position of the state that each mutation of the graph replaces.
  std::vector<int> mutated_states;
  bool recompute = false;  ///< the whole stage, see Recompute
};

/// Compiles a stage's graph for a border. Outputs that nobody needs, and those
/// that only pass an input on, are left out of the programs.
///
/// eval_graph  the same graph in eval mode, if evaluation needs another program
/// where       for messages, see ProgramOptions
/// device      where the stage's states will be
/// throws      as Program
StagePrograms compile_programs(
    const ir::Graph& graph,
    const Border& border,
    const std::optional<ir::Graph>& eval_graph,
    const std::string& where,
    const Recompute& recompute = {},
    c10::Device device = c10::kCPU);

}  // namespace pp
