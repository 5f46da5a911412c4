#include "runtime/run/infer.h"

#include <chrono>
#include <set>
#include <utility>

#include "loader/archive/folders.h"
#include "loader/archive/mapping_table.h"
#include "loader/core/seconds_since.h"
#include "runtime/data/data_loader.h"
#include "runtime/data/output_writer.h"
#include "runtime/observe/progress.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/forward_pass.h"
#include "runtime/pipeline/padding_trial.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/pipeline/run_trace.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/failure.h"
#include "runtime/training/load_weights.h"

namespace pp {

namespace {

using Clock = std::chrono::steady_clock;

DataLoaderOptions loader_options(
    const Plan& plan,
    const RankContext& context,
    std::set<std::string> wanted) {
  DataLoaderOptions options;
  options.plan = plan.batch;
  options.inputs = plan.inputs;
  options.guards = plan.source.manifest.guards;
  options.wanted = std::move(wanted);
  options.wants_target = false;
  options.keep_short_batch = true;
  options.pads_fixed_batch = true;
  options.log = context.rank == 0 ? context.log : Log(LogLevel::Error);
  return options;
}

/// Writes the outputs of a run: all rows to one file or, after a signal, the
/// finished rows to another.
class InferenceOutputs {
 public:
  InferenceOutputs(const Plan& plan, const RankContext& context)
      : config_(plan.output),
        log_(context.log),
        writer_(path(), plan.output.outputs) {}

  std::filesystem::path path() const {
    return config_.dir / "outputs.safetensors";
  }

  void add(const Microbatch& microbatch, const ModelOutputs& values) {
    for (const auto& [name, value] : values) {
      writer_.add(name, {microbatch.num_rows, microbatch.num_padding}, value);
    }
    num_rows_ += microbatch.num_rows;
  }

  void finish() { writer_.finish(); }

  /// Writes the finished rows, and warns that the file is incomplete.
  void keep_part(int64_t all_rows) {
    if (num_rows_ == 0 || !config_.save_on_interrupt) {
      return;
    }
    const std::filesystem::path part =
        config_.dir / "outputs.interrupted.safetensors";
    const std::string done = std::to_string(num_rows_);
    const std::string all = std::to_string(all_rows);
    check_mapped_files(log_);
    writer_.finish_as(part, {{"rows", done}, {"all_rows", all}});
    log_.warning(
        "interrupted: the outputs of the first " + done + " of " + all +
        " rows are in " + part.string());
  }

 private:
  const OutputConfig& config_;
  Log log_;
  OutputWriter writer_;
  int64_t num_rows_ = 0;
};

/// Describes the run to try_padding(): it joins every output by the output's
/// rule.
PaddedRun padded_run(const Plan& plan, const DataLoaderOptions& options) {
  return {
      .data = plan.data,
      .table = "data",
      .options = options,
      .rule_of = [&plan](const std::string& output) {
        const auto found = plan.output.outputs.find(output);
        return found == plan.output.outputs.end() ? OutputRule{}
                                                  : found->second;
      }};
}

/// Whether the job was asked to stop, so that waits for other ranks fail.
bool is_interrupted(const RankContext& context) {
  try {
    context.check_interrupted();
  } catch (const JobFailed& failure) {
    return failure.cause().interrupted;
  }
  return false;
}

RankStages load_stages(const Plan& plan, RankContext& context) {
  RankStages stages(
      plan.source,
      stages_of(plan.forward_schedule.stage_to_rank, context.rank),
      stage_options(plan, device_of(context)));
  if (plan.initial_weights) {
    load_weights(context, *plan.initial_weights, stages);
  }
  use_graphs(plan.execution, context, stages);
  return stages;
}

}  // namespace

void infer(const Plan& plan, RankContext& context) {
  const StageMap& stage_to_rank = plan.forward_schedule.stage_to_rank;
  RankStages stages = load_stages(plan, context);
  const DataLoaderOptions options =
      loader_options(plan, context, stages.user_inputs());
  const DataLoader data(plan.data, options);
  Executor executor(context, plan.forward_schedule, stages.pointers());
  if (data.pads()) {
    try_padding(plan, context, stages, executor, padded_run(plan, options));
  }
  RunTrace trace(context, 0, plan.output.trace);
  const bool owns_last = stage_to_rank.back() == context.rank;
  if (owns_last) {
    make_output_folder(plan.output.dir);
  }
  InferenceOutputs outputs(plan, context);
  std::unique_ptr<Progress> progress =
      context.rank == 0 ? make_progress(stdout) : nullptr;
  Clock::time_point last = Clock::now();

  ForwardPass pass;
  pass.seed = plan.seed;
  pass.on_outputs = [&](int64_t /*batch*/,
                        const StepData& batch,
                        int microbatch,
                        const auto& values) {
    outputs.add(batch[microbatch], values);
  };
  pass.on_batch = [&](int64_t index, const StepData& batch) {
    if (progress) {
      const double seconds = seconds_since(std::exchange(last, Clock::now()));
      progress->step(
          {.step = index + 1,
           .total = data.steps_per_epoch(),
           .step_ms = seconds * 1000,
           .samples_per_s = static_cast<double>(batch.num_rows()) / seconds});
    }
  };
  try {
    run_forwards(context, executor, stage_to_rank, data, pass);
  } catch (...) {
    if (is_interrupted(context)) {
      outputs.keep_part(data.num_rows());
    }
    throw;
  }
  check_mapped_files(context.log);
  barrier(context);
  if (owns_last) {
    outputs.finish();
  }
  barrier_for_disk(context);
  const auto trace_path = trace.finish(plan.output.dir / "trace.json");
  if (progress) {
    progress->note("wrote " + outputs.path().string());
    if (trace_path) {
      progress->note("wrote " + trace_path->string());
    }
    progress->finish();
  }
}

}  // namespace pp
