#include "runtime/run/run_job.h"

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/dims_text.h"
#include "runtime/checkpoint/exported_weights.h"
#include "runtime/checkpoint/folder.h"
#include "runtime/device/placement.h"
#include "runtime/memory/memory_pool.h"
#include "runtime/pipeline/rank_on_device.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/plan/output_folder.h"
#include "runtime/plan/placed.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/agree.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/failure.h"
#include "runtime/run/clock_seed.h"
#include "runtime/run/infer.h"
#include "runtime/run/output_lock.h"
#include "runtime/training/trainer.h"

namespace pp {

namespace {

void log_plan(const Plan& plan, const Log& log) {
  if (!log.enabled(LogLevel::Info)) {
    return;
  }
  const StageMap& map = plan.forward_schedule.stage_to_rank;
  log.info(
      "using schedule " + plan.schedule_name + ", " +
      count_text(plan.num_ranks, "rank", "ranks") + ", " +
      count_text(plan.batch.num_microbatches, "microbatch", "microbatches") +
      (plan.trains() ? ", seed " + std::to_string(plan.seed) : "") +
      (plan.mesh.replicas > 1
           ? ", " + std::to_string(plan.mesh.replicas) + " replicas"
           : ""));
  for (size_t stage = 0; stage < map.size(); ++stage) {
    const StageManifest& entry = plan.source.manifest.stages[stage];
    std::vector<std::string> values;
    for (const StageInput& input : entry.inputs) {
      if (!input.tensor.known) {
        values.push_back(input.value);
        continue;
      }
      values.push_back(
          input.value + ": " + ir::name_of(input.tensor.dtype) +
          ir::dims_text(input.tensor.sizes));
    }
    std::vector<std::string> ranks;
    ranks.reserve(static_cast<size_t>(plan.mesh.replicas));
    for (int replica = 0; replica < plan.mesh.replicas; ++replica) {
      ranks.push_back(std::to_string(plan.mesh.rank_of(map[stage], replica)));
    }
    log.info(
        "stage " + std::to_string(stage) + " on " +
        (ranks.size() == 1 ? "rank " : "ranks ") + join(ranks) + " reads " +
        join(values));
  }
  for (const TiedParameter& tied : plan.source.manifest.tied) {
    std::vector<std::string> stages;
    for (const int stage : tied.stages) {
      stages.push_back(std::to_string(stage));
    }
    log.info(
        "parameter '" + tied.fqn + "' is held by stages " + join(stages) +
        "; their gradients are summed");
  }
}

void announce(const Plan& plan, const Log& log) {
  log_plan(plan, log);
  for (const std::string& note : plan.notes) {
    log.warning(note);
  }
}

/// Opens the plug-in of the job's device; null for the CPU.
std::shared_ptr<DevicePlugin> open_devices(
    const Job& job, const RunOptions& options) {
  const DeviceChoice& device = job.pipeline.device;
  if (device.is_cpu) {
    return nullptr;
  }
  try {
    auto plugin = options.open_device();
    device_of_rank(device, 0, plugin->num_devices());
    return plugin;
  } catch (const Error& error) {
    std::string problem = error.what();
    if (!problem.starts_with("pipeline.device")) {
      problem = "pipeline.device is \"" + to_string(device) + "\": " + problem;
    }
    throw Error(
        error.kind(), with_place(job.written, problem, {"pipeline.device"}));
  }
}

void check_resume(const Job& job, const RunOptions& options) {
  if (options.resume != Resume::No && !job.train) {
    throw usage_error(
        "--resume needs a training job, but this one has no [train]; to infer "
        "from a checkpoint, set model.checkpoint");
  }
}

/// Refuses what can be refused before the model is opened.
void check_request(const Job& job, const RunOptions& options) {
  check_resume(job, options);
  placed(job, {"output.export_dtype"}, [&] { check_exported_weights(job); });
}

void check_output(const Job& job) {
  placed(job, {"output.dir"}, [&] { check_output_folder(job); });
}

std::string given(bool is_given) {
  return is_given ? "given" : "not given";
}

/// Refuses to run stages whose files this host lacks: a stage directory may
/// hold only the stages of its host.
void check_own_stages(const Plan& plan, const RankContext& context) {
  const int place = plan.mesh.place_of(context.rank);
  for (const int stage :
       stages_of(plan.forward_schedule.stage_to_rank, place)) {
    const std::filesystem::path& absent = plan.source.stages[stage].absent;
    if (!absent.empty()) {
      throw input_error(
          "rank " + std::to_string(context.rank) + " on host " + host_name() +
          " runs stage " + std::to_string(stage) + ", but " + absent.string() +
          " doesn't exist; each host needs the files of its ranks' stages");
    }
  }
}

/// Plans on all ranks with one seed and with the cuts that rank 0 chooses.
std::shared_ptr<const Plan> plan_together(
    Job job, const ResumePoint& point, int world, RankContext& context) {
  settle_seed_together(job, point, context);
  std::shared_ptr<const Plan> plan;
  std::string cuts;
  if (context.rank == 0) {
    plan = make_plan(job, world);
    cuts = cuts_text(plan->source.cuts);
    announce(*plan, context.log);
  }
  cuts = broadcast_text(context, cuts);
  return plan ? plan : make_plan(job, world, parse_cuts(cuts));
}

}  // namespace

LauncherKind choose_launcher(
    const Job& job, const std::optional<EnvRanks>& env) {
  const std::optional<LauncherKind> wanted = job.pipeline.launcher;
  if (!wanted) {
    return env ? LauncherKind::Env : LauncherKind::Local;
  }
  if (*wanted == LauncherKind::Env && !env) {
    throw usage_error(
        "launcher 'env' needs RANK and WORLD_SIZE (torchrun --no-python), or "
        "the variables of a Slurm or Open MPI step; none is set");
  }
  if (*wanted != LauncherKind::Env && env && env->size > 1) {
    throw usage_error(
        "this process is one of " + std::to_string(env->size) +
        " ranks, and launcher '" + std::string(enum_name(*wanted)) +
        "' would start all ranks again; use 'env' or 'auto'");
  }
  return *wanted;
}

namespace {

/// One job from its plan to its end, on the ranks of this process.
class JobRun {
 public:
  JobRun(const Job& job, const RunOptions& options)
      : job_(job),
        options_(options),
        launcher_(choose_launcher(job, options.env)) {
    if (launcher_ == LauncherKind::Env) {
      world_ = options.env->size;
    }
    // Rank 0 chooses for all whatever depends on more than the job file.
    plans_together_ =
        world_.value_or(1) > 1 &&
        (job.split.num_stages > 0 || (job.train && job.train->seed_from_clock));
  }

  void run() {
    if (!plans_together_) {
      settle_seed(job_, point());
      plan_ = make_plan(job_, world_);
      if (announces()) {
        announce(*plan_, options_.log.for_rank(0));
      }
    }
    if (launcher_ != LauncherKind::Processes) {
      devices_ = open_devices(job_, options_);  // each process opens its own
    }
    check_output(job_);
    keep_freed_tensors();
    launch();
  }

 private:
  /// Whether this process prints the plan. If `pp` starts the ranks as
  /// processes, rank 0 prints it.
  bool announces() const {
    return launcher_ == LauncherKind::Env ? options_.env->rank == 0
                                          : launcher_ == LauncherKind::Local;
  }

  /// Which checkpoints the job may continue from.
  ResumePoint point() const {
    return resume_point(options_.resume, options_.env);
  }

  /// Whether the job only evaluates (train.steps = 0).
  bool evaluates_only() const {
    return plan_->trains() && plan_->train->steps == std::optional<int64_t>(0);
  }

  void launch() {
    const PipelineConfig& pipeline = job_.pipeline;
    LaunchOptions launch;
    launch.threads_per_rank = pipeline.threads_per_rank;
    launch.stall_timeout = pipeline.stall_timeout;
    launch.transport = pipeline.transport;
    launch.output_folder = output_folder_text(job_);
    launch.log = options_.log;
    launch.stop = options_.stop;
    const RankMain main = [this](RankContext& context) { run_rank(context); };
    switch (launcher_) {
      case LauncherKind::Local:
        return launch_local(plan_->mesh.size(), launch, main);
      case LauncherKind::Env:
        return launch_env(*options_.env, launch, main);
      case LauncherKind::Processes: {
        std::vector<std::string> command = options_.command;
        command.insert(command.end(), {"--launcher", "env"});
        return launch_processes(
            plan_->mesh.size(), command, time_to_save(job_));
      }
    }
  }

  void run_rank(RankContext& context) {
    if (options_.on_rank) {
      options_.on_rank(context);
    }
    if (plans_together_) {
      plan_ = plan_together(job_, point(), *world_, context);
    }
    if (launcher_ == LauncherKind::Env) {
      Agreement own = plan_->agreement();
      own["--resume"] = given(options_.resume == Resume::Yes);
      own["--resume-if-any"] = given(options_.resume == Resume::IfAny);
      own["--overwrite"] = given(options_.overwrite);
      agree(context, "plan", own);
    }
    check_own_stages(*plan_, context);
    std::optional<OutputLock> lock;
    if (context.rank == 0 && !evaluates_only()) {
      lock.emplace(job_.output.dir);
    }
    // Rank 0's lock creates the folder. Wait for it, because the ranks next
    // look for folders that exist.
    barrier(context);
    std::optional<RankOnDevice> on_device;
    if (devices_) {
      on_device.emplace(*plan_, devices_, context);
    }
    if (plan_->trains()) {
      train(
          *plan_,
          context,
          {point(),
           options_.overwrite,
           options_.save_and_stop,
           options_.on_training});
    } else {
      infer(*plan_, context);
    }
  }

  Job job_;
  const RunOptions& options_;
  LauncherKind launcher_;
  std::optional<int> world_;  ///< number of ranks that were started
  bool plans_together_ = false;
  std::shared_ptr<const Plan> plan_;
  std::shared_ptr<DevicePlugin> devices_;
};

}  // namespace

std::string output_folder_text(const Job& job) {
  return std::filesystem::absolute(job.output.dir).lexically_normal().string();
}

std::optional<std::chrono::milliseconds> time_to_save(const Job& job) {
  if (!job.train || !job.output.save_on_interrupt ||
      job.train->steps == std::optional<int64_t>(0)) {
    return std::nullopt;
  }
  return job.output.interrupt_timeout;
}

void check_surroundings(const Job& job, const RunOptions& options) {
  check_request(job, options);
  check_output(job);
  open_devices(job, options);
  const std::filesystem::path checkpoints = checkpoint_folder(job.output);
  if (options.resume == Resume::Yes && list_checkpoints(checkpoints).empty()) {
    throw nothing_to_resume(checkpoints);
  }
}

std::shared_ptr<const Plan> plan_job(Job job, const RunOptions& options) {
  settle_seed(job, resume_point(options.resume, options.env));
  return make_plan(
      job,
      options.env ? std::optional(options.env->size) : std::optional<int>());
}

void run_job(const Job& job, const RunOptions& options) {
  check_request(job, options);
  JobRun(job, options).run();
}

}  // namespace pp
