#include <exception>
#include <filesystem>

#include "cli/command.h"
#include "cli/console.h"
#include "loader/archive/mapping_table.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/job/job.h"
#include "runtime/job/keys.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/stop_signals.h"
#include "runtime/rank/failure.h"
#include "runtime/run/dry_run.h"
#include "runtime/run/init_job.h"
#include "runtime/run/job_paths.h"
#include "runtime/run/run_job.h"
#include "splitter/files/artifact.h"

namespace pp::cli {

namespace {

struct Options {
  std::string target;
  std::string schedule;
  int microbatches = 0;
  int ranks = 0;
  std::string launcher;
  std::vector<std::string> set;
  std::vector<std::string> data;
  std::string loss_target;
  std::string loss;
  std::optional<int64_t> steps;
  TrustOptions trust;
  bool dry_run = false;
  std::string cost;
  bool resume = false;
  bool resume_if_any = false;
  bool overwrite = false;
  std::string log;
};

/// The `--set` arguments, including those that other options stand for.
std::vector<std::string> overrides(const Options& options) {
  std::vector<std::string> out = options.set;
  if (!options.schedule.empty()) {
    out.push_back("pipeline.schedule=\"" + options.schedule + "\"");
  }
  if (options.microbatches > 0) {
    out.push_back(
        "pipeline.microbatches=" + std::to_string(options.microbatches));
  }
  if (options.ranks > 0) {
    out.push_back("pipeline.ranks=" + std::to_string(options.ranks));
  }
  if (!options.launcher.empty()) {
    out.push_back("pipeline.launcher=\"" + options.launcher + "\"");
  }
  if (!options.trust.allow.empty()) {
    out.push_back(
        "security.allow=[\"" + join(options.trust.allow, "\", \"") + "\"]");
  }
  if (options.trust.script) {
    out.emplace_back("security.trust_script=true");
  }
  if (options.trust.no_sandbox) {
    out.emplace_back("security.sandbox=false");
  }
  return out;
}

/// The command that starts this program again with the same arguments.
std::vector<std::string> same_command(const std::vector<std::string>& argv) {
  std::vector<std::string> command = argv;
  command[0] = std::filesystem::read_symlink("/proc/self/exe").string();
  return command;
}

/// Runs a job. SIGINT, SIGTERM and SIGHUP end it on all ranks; a training run
/// first saves a checkpoint. The exit code is then 128 + the signal's number.
void run_until_signal(const Job& job, RunOptions options) {
  if (choose_launcher(job, options.env) == LauncherKind::Processes) {
    return run_job(job, options);  // handles signals itself, for its children
  }
  StopSignals signals(
      time_to_save(job),
      options.log.for_rank(options.env ? options.env->rank : 0));
  options.stop = signals.stop_now();
  options.save_and_stop = signals.save_and_stop();
  options.on_training = [&] { signals.allow_saving(); };
  try {
    run_job(job, options);
  } catch (const JobFailed& failure) {
    if (signals.first() == 0 || !failure.cause().interrupted) {
      throw;
    }
    JobFailed interrupted(failure.cause(), 128 + signals.first());
    interrupted.set_told(failure.told());
    throw interrupted;
  }
}

/// Throws `failure`, with a hint how to resume if it is an interrupted training
/// run.
[[noreturn]] void fail_with_hint(const Job& job, const JobFailed& failure) {
  Cause cause = failure.cause();
  if (cause.interrupted && job.train) {
    cause.message += "; " + how_to_resume(job.output);
  }
  JobFailed out(cause, failure.exit_code());
  out.set_told(failure.told());
  throw out;
}

/// The launchers that a job file accepts.
std::vector<std::string> launcher_words() {
  const JobKey* key = try_find_key({"pipeline", "launcher"});
  return {key->choices.begin(), key->choices.end()};
}

void declare_options(CLI::App& app, Options& options) {
  app.add_option("job", options.target, "Job file or stage directory")
      ->required()
      ->check(not_empty())
      ->type_name("JOB.toml|DIR");
  app.add_option("--schedule", options.schedule, "Pipeline schedule");
  app.add_option(
         "--microbatches", options.microbatches, "Microbatches per step")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--ranks", options.ranks, "Number of ranks of the pipeline")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--launcher", options.launcher, "How to start the ranks")
      ->check(CLI::IsMember(launcher_words()))
      ->take_last();
  app.add_option("--set", options.set, "Set a key of the job file")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  app.add_option(
         "--data", options.data, "Data of an input, if there is no job file")
      ->type_name("[NAME=]FILE")
      ->check(not_empty())
      ->allow_extra_args(false);
  app.add_option(
         "--target", options.loss_target, "Data of the target, with --data")
      ->type_name("FILE")
      ->check(not_empty());
  app.add_option("--loss", options.loss, "Set train.loss")->check(not_empty());
  app.add_option("--steps", options.steps, "Set train.steps");
  add_trust_options(app, options.trust);
  CLI::Option* dry_run_flag = app.add_flag(
      "--dry-run", options.dry_run, "Print the plan and its memory, then exit");
  app.add_option("--cost", options.cost, "Predict time and bubble of a step")
      ->type_name("measured|F=1,...")
      ->needs(dry_run_flag);
  CLI::Option* resume = app.add_flag(
      "--resume", options.resume, "Resume from the newest checkpoint");
  app.add_flag(
         "--resume-if-any",
         options.resume_if_any,
         "Resume, or start if there is no checkpoint")
      ->excludes(resume);
  app.add_flag(
         "--overwrite", options.overwrite, "Remove an earlier run's files")
      ->excludes(resume);
  app.add_option(
         "--log",
         options.log,
         "Log level: pp (info), +pp (debug), -pp (errors)")
      ->check(not_empty());
}

RunOptions run_options(const Options& options, const Invocation& with) {
  RunOptions run;
  run.resume = options.resume          ? Resume::Yes
               : options.resume_if_any ? Resume::IfAny
                                       : Resume::No;
  run.overwrite = options.overwrite;
  run.env = read_env_ranks(with.getenv);
  run.command = same_command(with.argv);
  run.log = make_log(options.log, with);
  if (run.env) {
    run.log = run.log.for_rank(run.env->rank);
  }
  run.on_rank = with.on_rank;
  return run;
}

/// Makes the job of a model or stage directory whose data is named on the
/// command line.
Job job_of_data(const Options& options, const Invocation& with) {
  const bool trains = !options.loss_target.empty() || !options.loss.empty() ||
                      options.steps.has_value();
  return job_without_file(
      {.model = options.target,
       .kind = trains ? FirstJobKind::Train : FirstJobKind::Infer,
       .data = options.data,
       .target = options.loss_target,
       .loss = options.loss,
       .steps = options.steps,
       .command = join(with.argv, " "),
       .trust = to_trust(options.trust)},
      overrides(options));
}

Job job_of(const Options& options, const Invocation& with) {
  if (!options.data.empty() || !options.loss_target.empty()) {
    if (needs_no_job_file(options.target)) {
      return job_of_data(options, with);
    }
    throw usage_error(
        "--data and --target are for a model or a stage directory; in a job "
        "file, set data.inputs and data.target");
  }
  std::vector<std::string> set = overrides(options);
  if (!options.loss.empty()) {
    set.push_back("train.loss=\"" + options.loss + "\"");
  }
  if (options.steps) {
    set.push_back("train.steps=" + std::to_string(*options.steps));
  }
  return is_stage_directory(options.target)
             ? job_for_stages(options.target, set)
             : load_job(options.target, set);
}

/// Runs the job that the command line asks for.
/// launch  receives the job's output folder
int run_as_asked(
    const Options& options,
    const Job& job,
    RunOptions run,
    LaunchOptions& launch) {
  launch.output_folder = output_folder_text(job);
  // The sandbox allows neither starting other processes nor a GPU's driver.
  if (job.security.sandbox && job.pipeline.device.is_cpu &&
      choose_launcher(job, run.env) != LauncherKind::Processes) {
    enter_sandbox(options.trust, paths_of(job), run.log);
  }
  if (options.dry_run) {
    const LauncherKind launcher = choose_launcher(job, run.env);
    check_surroundings(job, run);
    const std::shared_ptr<const Plan> plan = plan_job(job, run);
    for (const std::string& note : plan->notes) {
      run.log.warning(note);
    }
    print(dry_run(*plan, launcher, options.cost, run));
    return 0;
  }
  const Log log = run.log;
  try {
    run_until_signal(job, std::move(run));
  } catch (const JobFailed& failure) {
    warn_of_changed_files(log);
    fail_with_hint(job, failure);
  }
  warn_of_changed_files(log);
  finish_output();
  return 0;
}

int run_command(const Options& options, const Invocation& with) {
  const RunOptions run = run_options(options, with);
  LaunchOptions launch;
  launch.log = run.log;
  try {
    return run_as_asked(options, job_of(options, with), run, launch);
  } catch (const JobFailed&) {
    throw;
  } catch (const Error& error) {
    const bool others_may_wait =
        run.env && run.env->size > 1 && !options.dry_run &&
        (error.kind() == ErrorKind::Usage || error.kind() == ErrorKind::Input);
    if (!others_may_wait) {
      throw;
    }
    fail_before_start(*run.env, launch, std::current_exception());
  }
}

}  // namespace

void fail_run(const Invocation& with, const Error& error) {
  const auto env = read_env_ranks(with.getenv);
  if (env && env->size > 1) {
    fail_before_start(*env, {}, std::make_exception_ptr(error));
  }
  throw error;
}

std::function<int()> setup_run(CLI::App& app, const Invocation& with) {
  auto options = std::make_shared<Options>();
  declare_options(app, *options);
  return [options, with] { return run_command(*options, with); };
}

}  // namespace pp::cli
