#include "runtime/run/verify_run.h"

#include <chrono>
#include <mutex>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/view_as_real.h>

#include "runtime/launch/launch.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/training/gradients.h"

namespace pp {

namespace {

/// An output as numbers that a loss can add up; undefined if it has no
/// gradient.
at::Tensor summable(const at::Tensor& output) {
  if (output.is_complex()) {
    return at::view_as_real(output.resolve_conj());
  }
  if (!output.is_floating_point()) {
    return {};
  }
  // Kernels don't compute with one-byte floating-point types.
  return output.element_size() == 1 ? output.to(at::kFloat) : output;
}

/// The sum of the floating and complex outputs' means under a fixed random
/// weighting, which gives every entry a different gradient.
at::Tensor projected_loss(const std::map<std::string, at::Tensor>& outputs) {
  at::Tensor loss;
  for (const auto& [name, output] : outputs) {
    const at::Tensor value = summable(output);
    if (!value.defined()) {
      continue;
    }
    auto generator = at::make_generator<at::CPUGeneratorImpl>(kVerifySeed + 7);
    const at::Tensor weight = at::randn(
        value.sizes(), generator, at::TensorOptions(value.scalar_type()));
    const at::Tensor term = value.mul(weight).mean();
    loss = loss.defined() ? loss.add(term) : term;
  }
  return loss.defined() ? loss : at::scalar_tensor(0.0);
}

void collect_states(
    RankStages& stages, std::mutex& mutex, VerifyResults& results) {
  const std::lock_guard lock(mutex);
  for (auto& [index, stage] : stages.stages()) {
    for (const StageState& state : stage.states()) {
      if (state.tensor.requires_grad() && state.tensor.grad().defined()) {
        const auto [held, is_new] =
            results.gradients.emplace(state.fqn, state.tensor.grad());
        // All stages that hold a parameter have the same sum, bit by bit.
        if (!is_new &&
            !at::allclose(held->second, state.tensor.grad(), 0, 0, true)) {
          throw runtime_error(
              "verify: two stages hold '" + state.fqn +
              "' and have different gradients");
        }
      } else if (state.kind == ir::StateKind::Buffer || state.written) {
        results.buffers.emplace(state.fqn, state.tensor);
      }
    }
  }
}

}  // namespace

VerifyResults run_for_verify(
    const PipelineSource& source,
    const Schedule& schedule,
    const std::vector<UserInputs>& inputs,
    const WantedOutputs& wanted,
    const VerifyOptions& options,
    bool in_double) {
  VerifyResults results;
  std::mutex mutex;
  LaunchOptions launch;
  launch.log = options.log;
  const int num_ranks = static_cast<int>(schedule.ranks.size());
  const auto count = static_cast<double>(inputs.size());
  launch.stall_timeout = std::chrono::minutes(10);
  launch_local(num_ranks, launch, [&](RankContext& context) {
    RankStages stages(
        source,
        stages_of(schedule.stage_to_rank, context.rank),
        {.wanted = wanted,
         .trainable = !options.forward_only,
         .in_double = in_double});
    Executor executor(context, schedule, stages.pointers());
    StepInputs step;
    step.pass = options.forward_only ? Pass::Infer : Pass::Train;
    step.seed = kVerifySeed;
    step.user_inputs = [&](int microbatch) -> const UserInputs& {
      return inputs[microbatch];
    };
    step.on_outputs = [&](int microbatch, const auto& outputs) {
      const at::Tensor loss = projected_loss(outputs).div(count);
      const std::lock_guard lock(mutex);
      for (const auto& [name, value] : outputs) {
        results.outputs.emplace(
            name + ", microbatch " + std::to_string(microbatch),
            value.detach());
      }
      results.losses[microbatch] = loss.template item<double>();
      return options.forward_only ? at::Tensor() : loss;
    };
    executor.run(step);
    if (!options.forward_only) {
      sum_tied_gradients(
          context,
          source.manifest,
          schedule.stage_to_rank,
          trainable_parameters(stages.stages()));
    }
    collect_states(stages, mutex, results);
  });
  return results;
}

}  // namespace pp
