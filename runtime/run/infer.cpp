#include "runtime/run/infer.h"

#include <chrono>

#include "loader/core/seconds_since.h"
#include "runtime/data/data_loader.h"
#include "runtime/data/output_writer.h"
#include "runtime/executor/executor.h"
#include "runtime/launch/collectives.h"
#include "runtime/observe/progress.h"
#include "runtime/run/checkpoints.h"
#include "runtime/run/forward_pass.h"
#include "runtime/run/output_folder.h"
#include "runtime/run/rank_stages.h"
#include "runtime/run/run_trace.h"
#include "runtime/run/specs.h"

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
      stage_options(plan, device_of(context)));
  if (job.model.checkpoint) {
    load_weights(context, *job.model.checkpoint, stages);
  }
  use_graphs(job, context, stages);
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

  Executor executor(context, plan.forward_schedule, stages.pointers());
  RunTrace trace(context, 0, job.output.trace);
  const bool owns_last = stage_to_rank.back() == context.rank;
  const std::filesystem::path path = job.output.dir / "outputs.safetensors";
  if (owns_last) {
    make_output_folder(job.output.dir);
  }
  OutputWriter outputs(path, job.output.outputs);
  std::unique_ptr<Progress> progress =
      context.rank == 0 ? make_progress(stdout) : nullptr;
  Clock::time_point last = Clock::now();

  ForwardPass pass;
  pass.seed = job.seed();
  pass.on_outputs = [&](int64_t /*batch*/,
                        const StepData& batch,
                        int microbatch,
                        const auto& values) {
    for (const auto& [name, value] : values) {
      outputs.add(name, batch[microbatch].num_rows, value);
    }
  };
  pass.on_batch = [&](int64_t index, const StepData& batch) {
    if (!progress) {
      return;
    }
    const double seconds = seconds_since(last);
    last = Clock::now();
    StepReport report;
    report.step = index + 1;
    report.total = data.steps_per_epoch();
    report.step_ms = seconds * 1000;
    report.samples_per_s = static_cast<double>(batch.num_rows()) / seconds;
    progress->step(report);
  };
  run_forwards(context, executor, stage_to_rank, data, pass);

  if (owns_last) {
    outputs.finish();
  }
  barrier(context);
  const auto trace_path = trace.finish(job.output.dir);
  if (progress) {
    progress->note("wrote " + path.string());
    if (trace_path) {
      progress->note("wrote " + trace_path->string());
    }
    progress->finish();
  }
}

}  // namespace pp
