#include "runtime/run/infer.h"

#include <chrono>

#include "runtime/data/data_loader.h"
#include "runtime/data/merge_outputs.h"
#include "runtime/executor/executor.h"
#include "runtime/launch/collectives.h"
#include "runtime/observe/progress.h"
#include "runtime/run/checkpoints.h"
#include "runtime/run/rank_stages.h"
#include "runtime/run/specs.h"
#include "runtime/run/step_data.h"

namespace pp {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

void infer(const Plan& plan, RankContext& context) {
  const Job& job = plan.job;
  const StageMap& stage_to_rank = plan.forward_schedule.stage_to_rank;
  RankStages stages(
      plan.source,
      stages_of(stage_to_rank, context.rank),
      plan.wanted,
      parse_mode(job.model.mode),
      /*trainable=*/false,
      /*evaluate=*/false);
  if (job.model.checkpoint) {
    load_weights(*job.model.checkpoint, stages);
  }
  DataLoaderOptions options;
  options.plan = plan.batch;
  options.inputs = plan.inputs;
  options.wanted = stages.user_inputs();
  options.wants_target = false;
  options.keep_short_batch = true;
  options.log = context.rank == 0 ? context.log : Log(LogLevel::Error);
  DataConfig config = job.data;
  config.shuffle = false;
  config.target.reset();
  const DataLoader data(config, std::move(options));

  Executor whole(
      context, plan.forward_schedule, stages.pointers(), stall_timeout(job));
  const bool owns_last = stage_to_rank.back() == context.rank;
  if (owns_last) {
    make_output_folder(job.output.dir);
  }
  OutputMerger merger(job.output.outputs);
  std::unique_ptr<Progress> progress =
      context.rank == 0 ? make_progress(stdout) : nullptr;
  const int64_t num_steps = data.steps_per_epoch();
  for (int64_t step = 0; step < num_steps; ++step) {
    const Clock::time_point start = Clock::now();
    const StepData batch(data.step(step));
    StepInputs inputs;
    inputs.pass = Pass::Infer;
    inputs.seed = job.seed();
    inputs.step = step;
    inputs.user_inputs = batch.user_inputs();
    inputs.on_outputs = [&](int microbatch, const auto& outputs) {
      for (const auto& [name, value] : outputs) {
        merger.add(name, step, microbatch, batch[microbatch].num_rows, value);
      }
      return at::Tensor();
    };
    const int microbatches = data.num_microbatches(step);
    if (microbatches == plan.batch.num_microbatches) {
      whole.run(inputs);
    } else {
      Executor(
          context,
          plan_schedule(
              job.pipeline.schedule,
              plan.num_ranks,
              plan.num_stages(),
              microbatches,
              /*forward_only=*/true,
              job.pipeline.stages_per_rank),
          stages.pointers(),
          stall_timeout(job))
          .run(inputs);
    }
    if (progress) {
      const double seconds =
          std::chrono::duration<double>(Clock::now() - start).count();
      StepReport report;
      report.step = step + 1;
      report.total = num_steps;
      report.step_ms = seconds * 1000;
      report.samples_per_s = static_cast<double>(batch.num_rows()) / seconds;
      progress->step(report);
    }
  }
  const std::filesystem::path path = job.output.dir / "outputs.safetensors";
  if (owns_last) {
    write_outputs(path, merger.merge());
  }
  barrier(context);
  if (progress) {
    progress->note("wrote " + path.string());
    progress->finish();
  }
}

}  // namespace pp
