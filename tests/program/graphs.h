#pragma once

#include <string_view>
#include <vector>

#include <ATen/ATen.h>

#include "loader/ir/lint.h"
#include "loader/ir/text.h"
#include "loader/operators/schemas.h"
#include "runtime/program/program.h"

namespace pp::testing {

/// Parses a graph, and adds the effects that its operators' schemas declare.
inline ir::Graph graph_of(std::string_view text) {
  ir::Graph graph = ir::parse_text(text);
  ir::lint(graph, "test");
  annotate_effects(graph, "test");
  return graph;
}

/// Runs a graph once and returns its outputs.
inline std::vector<c10::IValue> run_text(
    std::string_view text,
    std::vector<c10::IValue> inputs,
    std::vector<at::Tensor> states = {},
    const RandomKey& key = {}) {
  const Program program(graph_of(text), {{}, "test"});
  return program.run(std::move(inputs), states, key).outputs;
}

}  // namespace pp::testing
