#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/stage/stage.h"
#include "splitter/cut/partition.h"

namespace pp::test {

/// A stage of a partition whose output is `y`, with copies of these weights.
inline Stage make_stage(
    const Partition& parts,
    int index,
    const std::map<std::string, at::Tensor>& weights) {
  Border border = plan_border(parts.manifest, index, {"y"});
  auto programs =
      compile_programs(parts.stages[index], border, std::nullopt, "test");
  std::vector<StageState> states;
  for (const ir::State& state : parts.stages[index].states) {
    states.push_back(
        {state.fqn,
         {},
         state.kind,
         true,
         weights.at(state.fqn).clone().set_requires_grad(true)});
  }
  return {index, std::move(border), std::move(programs), std::move(states)};
}

}  // namespace pp::test
