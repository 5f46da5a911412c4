#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/options/transport_kind.h"
#include "runtime/rank/rank_context.h"
#include "runtime/secret/job_secret.h"

namespace pp {

/// This process as a rank that another program started: torchrun, Slurm, Open
/// MPI, or a user who set MASTER_ADDR. The values come from environment
/// variables.
struct EnvRanks {
  int rank = 0;
  int size = 1;
  int local_rank = 0;
  int local_size = 1;
  std::string master_addr = "127.0.0.1";
  int master_port = 29500;
  bool agent_store = false;  ///< whether torchrun serves the store
  int restart_count = 0;
  std::string run_id;
  /// The launcher's name of the job, the same on all ranks of the job: "Slurm
  /// step 71.0". Empty if the launcher gives none.
  std::string job_name;
  /// Whether the launcher prints the output of all ranks in one place.
  bool one_console = false;
  /// The secret that only processes of the job know; may be absent.
  JobSecret secret;
};

/// Reads this process's place in a job from the environment variables of the
/// known launchers, and PP_JOB_SECRET. Returns nullopt if no launcher set its
/// variables. Slurm's are read only inside a step (srun) of several tasks, Open
/// MPI's only with several ranks.
/// throws  Error(Usage): a variable is not a number, rank >= size, the secret
///         is too short, and so on
std::optional<EnvRanks> read_env_ranks(
    const std::function<const char*(const char*)>& getenv);

struct LaunchOptions {
  int threads_per_rank = 1;
  std::chrono::milliseconds stall_timeout{60000};
  TransportKind transport = TransportKind::Auto;  ///< only for launch_env()
  /// Only for launch_env(): the folder that the job writes to, which
  /// distinguishes jobs that meet at one port. May be empty.
  std::string output_folder;
  Log log;
  /// A request ends the job on all ranks with the cause "interrupted".
  /// stop_signals.h turns signals into requests.
  std::stop_token stop;
  /// Only for launch_env(): how long ranks wait for each other to start.
  std::chrono::seconds join_timeout{300};
};

using RankMain = std::function<void(RankContext&)>;

/// Runs `main` on `num_ranks` threads of this process. Returns once all threads
/// have ended.
/// throws  JobFailed with the job's first failure; with one rank, the error
///         that `main` threw
void launch_local(
    int num_ranks, const LaunchOptions& options, const RankMain& main);

/// Runs `main` as one rank of a job whose processes another program started.
/// The job's first failure reaches every rank within a second; a rank that dies
/// without reporting an error is named within two seconds. If several ranks
/// print to one console, JobFailed::told() is true on all of them but one.
/// throws  JobFailed with the job's first failure; Error(Runtime): this rank
///         can't join, for example because another job uses the port
void launch_env(
    const EnvRanks& ranks, const LaunchOptions& options, const RankMain& main);

/// Tells the other ranks of a job that this one can't start, so that they don't
/// wait for it. Takes at most a few seconds.
/// throws  JobFailed with this rank's error. Its told() is true if another rank
///         has the same error and prints the error to the same console
[[noreturn]] void fail_before_start(
    const EnvRanks& ranks,
    const LaunchOptions& options,
    const std::exception_ptr& error);

/// Starts `num_ranks` processes of `command` (argv) with the variables that
/// launch_env() reads, serves their store, and watches them until all have
/// ended. Unless PP_JOB_SECRET is set, the ranks get a secret that no other
/// process has. If a rank itself throws a JobFailed, told() is true in that
/// error.
///
/// While it runs, it handles SIGINT, SIGTERM and SIGHUP and passes them on to
/// the ranks. No rank outlives this process, however the process ends.
///
/// time_to_save  how long ranks may take to save and end after the first
///               signal; nullopt: they end at once
/// throws        JobFailed with the job's first failure. The exit code is that
///               of the failure's kind, that of the first process to fail, or
///               128 + signal; Error(Usage): the command can't be started, or
///               PP_JOB_SECRET is too short
void launch_processes(
    int num_ranks,
    const std::vector<std::string>& command,
    std::optional<std::chrono::milliseconds> time_to_save = std::nullopt);

}  // namespace pp
