#include "tests/oracle/step_dump.h"

#include <mutex>

#include <ATen/ops/scalar_tensor.h>

#include "runtime/data/data_loader.h"
#include "runtime/launch/launch.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/loss_function.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/plan/plan.h"
#include "runtime/training/gradients.h"

namespace pp {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

void run_rank(
    const Plan& plan, RankContext& context, std::mutex& mutex, Tensors& kept) {
  const StageMap& map = plan.train_schedule.stage_to_rank;
  RankStages stages(
      plan.source, stages_of(map, context.rank), stage_options(plan));
  DataLoaderOptions options;
  options.plan = plan.batch;
  options.inputs = plan.inputs;
  options.wanted = stages.user_inputs();
  options.wants_target = map.back() == context.rank;
  options.seed = plan.seed;
  const DataLoader data(plan.data, options);
  const StepData batch(data.step(0));
  LossFunction loss(plan.train->loss, plan.loss_output, plan.trust);
  if (map.back() == context.rank) {
    loss.begin_step(batch);
  }
  Executor executor(context, plan.train_schedule, stages.pointers());
  StepInputs inputs;
  inputs.seed = plan.seed;
  inputs.user_inputs = batch.user_inputs();
  inputs.on_outputs = [&](int microbatch, const auto& outputs) {
    const std::lock_guard lock(mutex);
    for (const auto& [name, value] : outputs) {
      kept["outputs." + name + "." + std::to_string(microbatch)] =
          value.detach().clone();
    }
    return loss(batch[microbatch], outputs);
  };
  executor.run(inputs);
  sum_tied_gradients(
      context,
      plan.source.manifest,
      map,
      trainable_parameters(stages.stages()));
  const std::lock_guard lock(mutex);
  for (const auto& [index, stage] : stages.stages()) {
    for (const StageState& state : stage.states()) {
      if (state.tensor.requires_grad() && state.tensor.grad().defined()) {
        kept["gradients." + state.fqn] = state.tensor.grad();
      } else if (state.kind == ir::StateKind::Buffer) {
        kept["buffers." + state.fqn] = state.tensor;
      }
      kept["states." + state.fqn] = state.tensor.detach();
    }
  }
  if (map.back() == context.rank) {
    kept["loss"] =
        at::scalar_tensor(loss.value(), at::TensorOptions(at::kDouble));
  }
}

}  // namespace

std::map<std::string, at::Tensor> dump_step(const Job& job) {
  const auto plan = make_plan(job, std::nullopt);
  std::mutex mutex;
  Tensors kept;
  launch_local(plan->num_ranks, {}, [&](RankContext& context) {
    run_rank(*plan, context, mutex, kept);
  });
  return kept;
}

}  // namespace pp
