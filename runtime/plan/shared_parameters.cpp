#include "runtime/plan/shared_parameters.h"

#include <algorithm>
#include <utility>

#include "loader/core/error.h"
#include "runtime/plan/name_patterns.h"

namespace pp {

namespace {

/// Whether the entries fill their memory, in any order of the dimensions.
bool is_dense(const ir::TensorMeta& tensor) {
  std::vector<std::pair<int64_t, int64_t>> steps;  // stride, size
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    if (tensor.sizes[i].value != 1) {
      steps.emplace_back(tensor.strides[i].value, tensor.sizes[i].value);
    }
  }
  std::ranges::sort(steps);
  int64_t next = 1;
  for (const auto& [stride, size] : steps) {
    if (stride != next) {
      return false;
    }
    next *= size;
  }
  return true;
}

bool fill_the_same_memory(const ir::TensorMeta& a, const ir::TensorMeta& b) {
  return is_dense(a) && is_dense(b) && a.storage_offset == b.storage_offset &&
         ir::num_bytes(a) == ir::num_bytes(b);
}

struct Learning {
  const ir::State* state;
  const ir::TensorMeta* tensor;
};

/// The parameters of a stage that share memory and are trained.
std::vector<Learning> learning(
    const StageSource& stage, const std::vector<std::string>& freeze) {
  std::vector<Learning> out;
  for (const ir::State& state : stage.graph.states) {
    const ir::TensorMeta& tensor = stage.records.at(state.fqn).tensor;
    if (!state.memory.empty() && state.kind == ir::StateKind::Parameter &&
        tensor.requires_grad && !has_match(state.fqn, state.aliases, freeze)) {
      out.push_back({&state, &tensor});
    }
  }
  return out;
}

void check_pair(const Learning& a, const Learning& b, bool shards) {
  const std::string names =
      "'" + a.state->fqn + "' and '" + b.state->fqn + "' share memory";
  if (a.tensor->dtype != b.tensor->dtype) {
    throw usage_error(
        names + ", but one is " + ir::name_of(a.tensor->dtype) +
        " and the other " + ir::name_of(b.tensor->dtype) +
        "; freeze one of them ([train] freeze)");
  }
  if (shards && !fill_the_same_memory(*a.tensor, *b.tensor)) {
    throw usage_error(
        "[parallel] zero = 1: " + names +
        ", but not all of it, so replicas can't divide their update; use "
        "zero = 0");
  }
}

}  // namespace

void check_shared_parameters(
    const PipelineSource& source,
    const std::vector<std::string>& freeze,
    bool shards) {
  for (const StageSource& stage : source.stages) {
    const std::vector<Learning> all = learning(stage, freeze);
    for (size_t i = 0; i < all.size(); ++i) {
      for (size_t k = 0; k < i; ++k) {
        if (all[k].state->memory == all[i].state->memory) {
          check_pair(all[k], all[i], shards);
        }
      }
    }
    for (const Learning& each : all) {
      if (shards && !is_dense(*each.tensor)) {
        throw usage_error(
            "[parallel] zero = 1: '" + each.state->fqn +
            "' shares memory with other states and has gaps between its "
            "entries, so replicas can't divide its update; use zero = 0");
      }
    }
  }
}

}  // namespace pp
