#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/launch/rank_context.h"
#include "runtime/transport/connect.h"

namespace pp {

/// Ranks that another program started: torchrun, Slurm, Open MPI, or
/// MASTER_ADDR by hand. Read from the environment, in one place.
struct EnvRanks {
  int rank = 0;
  int size = 1;
  int local_rank = 0;
  int local_size = 1;
  std::string master_addr = "127.0.0.1";
  int master_port = 29500;
  bool agent_store = false;  ///< torchrun serves the store itself
  int restart_count = 0;
  std::string run_id;
};

/// Nothing if no variable of a known launcher is set. Slurm counts only inside
/// a step (srun) of several tasks, Open MPI only with several ranks.
/// throws Error(Usage): a variable is set but not a number, rank >= size, ...
std::optional<EnvRanks> read_env_ranks(
    const std::function<const char*(const char*)>& getenv);

struct LaunchOptions {
  int threads_per_rank = 1;
  std::chrono::milliseconds stall_timeout{60000};
  TransportKind transport = TransportKind::Auto;  ///< launch_env
  Log log;
  /// Ends the job on all ranks with the cause "interrupted"; for signals, see
  /// signals.h.
  std::stop_token stop;
  /// launch_env: how long ranks wait for each other to start.
  std::chrono::seconds join_timeout{300};
};

using RankMain = std::function<void(RankContext&)>;

/// Runs `main` on `num_ranks` threads of this process. Rethrows the first
/// cause (as JobFailed with its place, or the error itself where only one rank
/// runs). All threads have ended when it returns.
void launch_local(
    int num_ranks, const LaunchOptions& options, const RankMain& main);

/// This process is one rank of a job that something else started. The first
/// cause on any rank reaches every rank within a second; a rank that dies
/// without a word is named within two.
void launch_env(
    const EnvRanks& ranks, const LaunchOptions& options, const RankMain& main);

/// Starts `num_ranks` processes of `command` (argv) with the variables
/// launch_env reads, serves their store and watches them. Throws the first
/// cause once all have ended, with the exit code that is due: the cause's kind,
/// that of the first to end badly, or 128 + signal. The ranks' own JobFailed
/// says that it is told().
///
/// While it runs it takes SIGINT and SIGTERM for itself, hands them on to the
/// ranks, and leaves none of them behind, however it ends.
/// throws JobFailed; Error(Usage): the command can't be started
void launch_processes(int num_ranks, const std::vector<std::string>& command);

}  // namespace pp
