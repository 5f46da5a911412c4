#include "runtime/run/run_job.h"

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/dims_text.h"
#include "runtime/launch/agree.h"
#include "runtime/launch/collectives.h"
#include "runtime/launch/failure.h"
#include "runtime/memory/shelf.h"
#include "runtime/run/infer.h"
#include "runtime/run/output_folder.h"
#include "runtime/run/plan.h"
#include "runtime/run/rank_on_device.h"
#include "runtime/run/rank_stages.h"
#include "runtime/run/specs.h"
#include "runtime/run/train.h"

namespace pp {

namespace {

void log_plan(const Plan& plan, const Log& log) {
  if (!log.enabled(LogLevel::Info)) {
    return;
  }
  const StageMap& map = plan.forward_schedule.stage_to_rank;
  log.info(
      "using schedule " + plan.job.pipeline.schedule + ", " +
      std::to_string(plan.num_ranks) + " ranks, " +
      std::to_string(plan.batch.num_microbatches) + " microbatches" +
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
    for (int replica = 0; replica < plan.mesh.replicas; ++replica) {
      ranks.push_back(std::to_string(plan.mesh.rank_of(map[stage], replica)));
    }
    log.info(
        "stage " + std::to_string(stage) + " on " +
        (ranks.size() == 1 ? "rank " : "ranks ") + join(ranks) + " takes " +
        join(values));
  }
  for (const TiedParameter& tied : plan.source.manifest.tied) {
    std::vector<std::string> stages;
    for (const int stage : tied.stages) {
      stages.push_back(std::to_string(stage));
    }
    log.info(
        "parameter '" + tied.fqn + "' is held by stages " + join(stages) +
        "; its gradient is their sum");
  }
}

void announce(const Plan& plan, const Log& log) {
  log_plan(plan, log);
  for (const std::string& note : plan.source.notes) {
    log.warning(note);
  }
}

std::string given(bool is_given) {
  return is_given ? "given" : "not given";
}

/// A stage directory may lack stages: other hosts'.
void check_own_stages(const Plan& plan, const RankContext& context) {
  const int place = plan.mesh.place_of(context.rank);
  for (const int stage :
       stages_of(plan.forward_schedule.stage_to_rank, place)) {
    const std::filesystem::path& absent = plan.source.stages[stage].absent;
    if (!absent.empty()) {
      throw input_error(
          "rank " + std::to_string(context.rank) + " on host " + host_name() +
          " runs stage " + std::to_string(stage) + ", but " + absent.string() +
          " is not there; each host needs the files of its ranks' stages");
    }
  }
}

/// Rank 0 cuts the model; the others take its cuts.
std::shared_ptr<const Plan> plan_together(
    const Job& job, int world, RankContext& context) {
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
  const std::string& name = job.pipeline.launcher;
  const bool several = env && env->size > 1;
  if (name == "auto") {
    return env ? LauncherKind::Env : LauncherKind::Local;
  }
  if (name == "env") {
    if (!env) {
      throw usage_error(
          "launcher 'env' needs RANK and WORLD_SIZE (torchrun --no-python), "
          "or the variables of a Slurm or Open MPI step; none is set");
    }
    return LauncherKind::Env;
  }
  if (several) {
    throw usage_error(
        "launcher '" + name + "' inside a job of " + std::to_string(env->size) +
        " ranks would start them again; use 'env' or 'auto'");
  }
  return name == "processes" ? LauncherKind::Processes : LauncherKind::Local;
}

void run_job(const Job& job, const RunOptions& options) {
  if (options.resume != Resume::No && !job.train) {
    throw usage_error(
        "--resume goes on with a training, but the job has no [train]; infer "
        "from a checkpoint with model.checkpoint");
  }
  const LauncherKind launcher = choose_launcher(job, options.env);
  std::optional<int> world;
  if (launcher == LauncherKind::Env) {
    world = options.env->size;
  }
  // One rank cuts for all, where more than the job file decides the cuts.
  const bool share_cuts = world.value_or(1) > 1 && job.split.stages;
  std::shared_ptr<const Plan> plan;
  if (!share_cuts) {
    plan = make_plan(job, world);
  }
  const bool speaks =
      launcher == LauncherKind::Env
          ? options.env->rank == 0
          : launcher == LauncherKind::Local;  // of processes, rank 0 does
  if (speaks && plan) {
    announce(*plan, options.log.for_rank(0));
  }
  std::shared_ptr<DevicePlugin> devices;
  if (job.pipeline.device != "cpu" && launcher != LauncherKind::Processes) {
    devices = options.open_device();  // of processes, each opens its own
  }
  check_output_folder(job);
  keep_freed_tensors();
  LaunchOptions launch;
  launch.threads_per_rank = job.pipeline.threads_per_rank;
  launch.stall_timeout = stall_timeout(job);
  launch.transport = job.pipeline.transport == "gloo" ? TransportKind::Gloo
                                                      : TransportKind::Auto;
  launch.log = options.log;
  launch.stop = options.stop;
  const RankMain main = [&](RankContext& context) {
    if (options.on_rank) {
      options.on_rank(context);
    }
    if (share_cuts) {
      plan = plan_together(job, *world, context);
    }
    if (launcher == LauncherKind::Env) {
      Agreement mine = plan->agreement();
      mine["--resume"] = given(options.resume == Resume::Yes);
      mine["--resume-if-any"] = given(options.resume == Resume::IfAny);
      agree(context, "plan", mine);
    }
    check_own_stages(*plan, context);
    std::optional<RankOnDevice> on_device;
    if (devices) {
      on_device.emplace(*plan, devices, context);
    }
    if (plan->trains()) {
      train(*plan, context, resume_point(options.resume, options.env));
    } else {
      infer(*plan, context);
    }
  };
  switch (launcher) {
    case LauncherKind::Local:
      return launch_local(plan->mesh.size(), launch, main);
    case LauncherKind::Env:
      return launch_env(*options.env, launch, main);
    case LauncherKind::Processes: {
      std::vector<std::string> command = options.command;
      command.insert(command.end(), {"--launcher", "env"});
      return launch_processes(plan->mesh.size(), command);
    }
  }
}

}  // namespace pp
