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

/// The compiled programs of a stage's graph.
struct StagePrograms {
  Program main;                 ///< for training and inference
  std::optional<Program> eval;  ///< for evaluation; nullopt: `main` is used
  /// For each mutation of the graph, the position of the state that it
  /// replaces.
  std::vector<int> mutated_states;
  /// Whether the whole stage is recomputed, see Recompute.
  bool recompute = false;
};

/// Compiles a stage's graph for a border. The programs leave out the outputs
/// that the job doesn't need, and those that only pass an input on.
///
/// eval_graph  the same graph in eval mode; nullopt: evaluation needs no
///             separate program
/// where       the stage's name in messages, see ProgramOptions
/// device      the device where the stage's states will be
/// throws      what Program throws
StagePrograms compile_programs(
    const ir::Graph& graph,
    const Border& border,
    const std::optional<ir::Graph>& eval_graph,
    const std::string& where,
    const Recompute& recompute = {},
    c10::Device device = c10::kCPU);

}  // namespace pp
