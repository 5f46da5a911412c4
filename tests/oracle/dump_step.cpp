// dump_step JOB.toml OUT.safetensors [key=value ...]
//
// Runs one training step of a job on thread ranks and writes what it computed:
// loss, outputs.<name>.<microbatch>, gradients.<fqn>, buffers.<fqn>.
#include <cstdio>
#include <mutex>

#include <ATen/ops/scalar_tensor.h>

#include "loader/archive/safetensors.h"
#include "loader/core/error.h"
#include "runtime/data/data_loader.h"
#include "runtime/data/output_writer.h"
#include "runtime/executor/executor.h"
#include "runtime/launch/launch.h"
#include "runtime/run/gradients.h"
#include "runtime/run/loss_function.h"
#include "runtime/run/plan.h"
#include "runtime/run/rank_stages.h"

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
  options.seed = plan.job.seed();
  const DataLoader data(plan.job.data, options);
  const StepData batch(data.step(0));
  LossFunction loss(plan.job.train->loss, plan.loss_output);
  if (map.back() == context.rank) {
    loss.begin_step(batch);
  }
  Executor executor(context, plan.train_schedule, stages.pointers());
  StepInputs inputs;
  inputs.seed = plan.job.seed();
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
    }
  }
  if (map.back() == context.rank) {
    kept["loss"] =
        at::scalar_tensor(loss.value(), at::TensorOptions(at::kDouble));
  }
}

int run(int argc, char** argv) {
  const Job job = load_job(argv[1], {argv + 3, argv + argc});
  const auto plan = make_plan(job, std::nullopt);
  std::mutex mutex;
  Tensors kept;
  launch_local(plan->num_ranks, {}, [&](RankContext& context) {
    run_rank(*plan, context, mutex, kept);
  });
  write_outputs(argv[2], kept);
  return 0;
}

}  // namespace
}  // namespace pp

int main(int argc, char** argv) {
  try {
    return pp::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dump_step: %s\n", error.what());
    return 1;
  }
}
