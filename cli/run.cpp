#include <atomic>
#include <filesystem>

#include "cli/command.h"
#include "cli/console.h"
#include "loader/core/error.h"
#include "runtime/job/job.h"
#include "runtime/launch/failure.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/signals.h"
#include "runtime/run/checkpoints.h"
#include "runtime/run/dry_run.h"
#include "runtime/run/run_job.h"
#include "splitter/artifact.h"

namespace pp::cli {

namespace {

struct Options {
  std::string target;
  std::string schedule;
  int microbatches = 0;
  int ranks = 0;
  std::string launcher;
  std::vector<std::string> set;
  bool dry_run = false;
  std::string cost;
  bool resume = false;
  bool resume_if_any = false;
  std::string log;
};

/// Options with a name of their own are --set arguments in another spelling.
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
  return out;
}

/// This very program with the same arguments, wherever it lies.
std::vector<std::string> same_command(const std::vector<std::string>& argv) {
  std::vector<std::string> command = argv;
  command[0] = std::filesystem::read_symlink("/proc/self/exe").string();
  return command;
}

/// Ctrl-C and SIGTERM end the job on all ranks; exit code 128 + signal.
void run_until_signal(const Job& job, RunOptions options) {
  if (choose_launcher(job, options.env) == LauncherKind::Processes) {
    return run_job(job, options);  // watches signals for its children itself
  }
  std::stop_source stop;
  std::atomic<int> caught{0};
  const SignalWatch watch([&](const CaughtSignal& signal) {
    caught = signal.number;
    stop.request_stop();
  });
  options.stop = stop.get_token();
  try {
    run_job(job, options);
  } catch (const JobFailed& failure) {
    if (caught == 0 || !failure.cause().interrupted) {
      throw;
    }
    JobFailed interrupted(failure.cause(), 128 + caught);
    interrupted.set_told(failure.told());
    throw interrupted;
  }
}

/// Adds to an interrupted training how it can go on.
[[noreturn]] void fail_with_hint(const Job& job, const JobFailed& failure) {
  Cause cause = failure.cause();
  if (cause.interrupted && job.train) {
    cause.message += "; " + how_to_resume(job);
  }
  JobFailed out(cause, failure.exit_code());
  out.set_told(failure.told());
  throw out;
}

}  // namespace

std::function<int()> setup_run(CLI::App& app, const Invocation& with) {
  auto options = std::make_shared<Options>();
  app.add_option("job", options->target, "A job file, or a stage directory")
      ->required()
      ->check(not_empty())
      ->type_name("JOB.toml|DIR");
  app.add_option("--schedule", options->schedule, "Pipeline schedule");
  app.add_option("--microbatches", options->microbatches, "Microbatches a step")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--ranks", options->ranks, "Pipeline ranks")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--launcher", options->launcher, "Who starts the ranks")
      ->check(CLI::IsMember({"auto", "local", "processes", "env"}))
      ->take_last();
  app.add_option("--set", options->set, "Set any key of the job file")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  CLI::Option* dry_run_flag = app.add_flag(
      "--dry-run",
      options->dry_run,
      "Show the plan and its memory, train nothing");
  app.add_option("--cost", options->cost, "Predict the step's time and bubble")
      ->type_name("measured|F=1,...")
      ->needs(dry_run_flag);
  CLI::Option* resume = app.add_flag(
      "--resume", options->resume, "Go on from the newest checkpoint");
  app.add_flag(
         "--resume-if-any",
         options->resume_if_any,
         "The same; start anew if there is none")
      ->excludes(resume);
  app.add_option("--log", options->log, "Log level: pp, +pp, -pp")
      ->check(not_empty());
  return [options, with] {
    const Job job = is_stage_directory(options->target)
                        ? job_for_stages(options->target, overrides(*options))
                        : load_job(options->target, overrides(*options));
    RunOptions run;
    run.resume = options->resume          ? Resume::Yes
                 : options->resume_if_any ? Resume::IfAny
                                          : Resume::No;
    run.env = read_env_ranks(with.getenv);
    run.command = same_command(with.argv);
    run.log = make_log(options->log, with);
    if (run.env) {
      run.log = run.log.for_rank(run.env->rank);
    }
    if (options->dry_run) {
      std::optional<int> world;
      if (run.env) {
        world = run.env->size;
      }
      print(dry_run(
          *make_plan(job, world),
          choose_launcher(job, run.env),
          options->cost));
      return 0;
    }
    run.on_rank = with.on_rank;
    try {
      run_until_signal(job, std::move(run));
    } catch (const JobFailed& failure) {
      fail_with_hint(job, failure);
    }
    finish_output();
    return 0;
  };
}

}  // namespace pp::cli
