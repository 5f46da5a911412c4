#include "runtime/run/probe_plan.h"

#include <optional>

#include "runtime/data/data_loader.h"
#include "runtime/launch/launch.h"
#include "runtime/measure/stage_probe.h"
#include "runtime/pipeline/loss_function.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/pipeline/step_data.h"
#include "runtime/run/start_check.h"
#include "runtime/training/evaluation.h"

namespace pp {

namespace {

DataLoaderOptions probe_loader_options(const Plan& plan) {
  DataLoaderOptions options;
  options.plan = plan.batch;
  options.inputs = plan.inputs;
  options.guards = plan.source.manifest.guards;
  options.wants_target = plan.trains();
  options.seed = plan.seed;
  options.keep_short_batch = !plan.trains();
  options.pads_fixed_batch = !plan.trains();
  return options;
}

std::map<std::string, int64_t> bytes_of(const StepData& data) {
  std::map<std::string, int64_t> out;
  for (const Microbatch& microbatch : data.microbatches()) {
    for (const auto& [name, tensor] : microbatch.inputs) {
      out[name] += static_cast<int64_t>(tensor.nbytes());
    }
    if (microbatch.target.defined()) {
      out[""] += static_cast<int64_t>(microbatch.target.nbytes());
    }
  }
  return out;
}

void probe_stages(
    const Plan& plan,
    int num_timed,
    const RunOptions& run,
    RankContext& context,
    PlanProbe& probe) {
  const DataLoader loader(plan.data, probe_loader_options(plan));
  const StepData data(loader.step(0));
  probe.row_bytes = bytes_of(data);
  if (plan.eval) {
    const DataLoader checked(
        plan.eval->data,
        evaluation_loader_options(plan, probe_loader_options(plan)));
  }
  const StartCheck start(plan, context, run, loader.order_text());
  std::optional<LossFunction> loss;
  if (plan.trains()) {
    loss.emplace(plan.train->loss, plan.loss_output, plan.trust);
    loss->begin_step(data);
  }
  probe.costs.stages.clear();
  Message sent;
  for (int index = 0; index < plan.num_stages(); ++index) {
    StageOptions options = stage_options(plan);
    options.evaluate = false;
    RankStages stages(plan.source, {index}, options);
    start.load(stages);
    ProbeInput input;
    input.previous = &sent;
    input.user_inputs = data[0].inputs;
    input.pass = plan.trains() ? Pass::Train : Pass::Infer;
    if (plan.trains() && index + 1 == plan.num_stages()) {
      input.loss = [&](const auto& outputs) {
        return (*loss)(data[0], outputs);
      };
    }
    StageProbe stage = probe_stage(stages.stages().at(index), input, num_timed);
    probe.memory.push_back(stage.memory);
    probe.costs.stages.push_back(stage.cost);
    probe.split_ratios.push_back(stage.split_ratio);
    sent = std::move(stage.to_next);
  }
}

}  // namespace

PlanProbe probe_plan(
    const Plan& plan, int num_timed, const RunOptions& options) {
  PlanProbe probe;
  LaunchOptions launch;
  launch.threads_per_rank = plan.execution.threads_per_rank;
  launch.log = options.log;
  launch_local(1, launch, [&](RankContext& context) {
    probe_stages(plan, num_timed, options, context, probe);
  });
  return probe;
}

}  // namespace pp
