#include "runtime/run/probe_plan.h"

#include <optional>

#include "runtime/checkpoint/reader.h"
#include "runtime/data/data_loader.h"
#include "runtime/launch/launch.h"
#include "runtime/measure/stage_probe.h"
#include "runtime/pipeline/loss_function.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/pipeline/step_data.h"

namespace pp {

namespace {

StepData first_step(const Plan& plan) {
  DataLoaderOptions options;
  options.plan = plan.batch;
  options.inputs = plan.inputs;
  options.guards = plan.source.manifest.guards;
  options.wants_target = plan.trains();
  options.seed = plan.seed;
  options.keep_short_batch = !plan.trains();
  options.pads_fixed_batch = !plan.trains();
  return StepData(DataLoader(plan.data, std::move(options)).step(0));
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

void probe_stages(const Plan& plan, int num_timed, PlanProbe& probe) {
  const StepData data = first_step(plan);
  probe.row_bytes = bytes_of(data);
  std::optional<LossFunction> loss;
  if (plan.trains()) {
    loss.emplace(plan.train->loss, plan.loss_output, plan.trust);
    loss->begin_step(data);
  }
  probe.costs.stages.clear();
  std::optional<CheckpointReader> weights;
  if (plan.initial_weights) {
    weights.emplace(*plan.initial_weights, Verify::Quick);
  }
  Message sent;
  for (int index = 0; index < plan.num_stages(); ++index) {
    StageOptions options = stage_options(plan);
    options.evaluate = false;
    RankStages stages(plan.source, {index}, options);
    if (weights) {
      stages.load(
          [&](const std::string& fqn) { return weights->try_find(fqn); },
          weights->path().string());
    }
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

PlanProbe probe_plan(const Plan& plan, int num_timed) {
  PlanProbe probe;
  LaunchOptions options;
  options.threads_per_rank = plan.execution.threads_per_rank;
  options.log = Log(LogLevel::Error);
  launch_local(
      1, options, [&](RankContext&) { probe_stages(plan, num_timed, probe); });
  return probe;
}

}  // namespace pp
