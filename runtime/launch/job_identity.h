#pragma once

#include <string>

#include "runtime/launch/launch.h"
#include "runtime/launch/process_id.h"

namespace pp {

/// A process as a rank of a job. Ranks of two jobs may meet in one store; their
/// identities show that, and let them name each other.
struct JobIdentity {
  std::string name;  ///< the launcher's: "Slurm step 71.0"; may be empty
  int rank = 0;
  int size = 1;
  std::string output;  ///< the folder that the job writes to; may be empty
  std::string host;
  ProcessId process;
  std::string started;  ///< "2026-11-30 05:31:02"
  /// A random string that makes each process different from every other.
  std::string nonce;
};

/// The identity of this process.
JobIdentity own_identity(
    const EnvRanks& ranks, const std::string& output_folder);

std::string to_json(const JobIdentity& identity);
/// Reads what to_json() wrote.
/// throws Error(Runtime): the text is something else
JobIdentity identity_from_json(const std::string& text);

/// Whether both may be ranks of one job. They can't be if their launchers give
/// different names or sizes, or if they write to different folders of one
/// machine.
bool may_be_one_job(const JobIdentity& a, const JobIdentity& b);

/// "Slurm step 71.0, 2 ranks, output in /data/runs, started 2026-11-30 05:31:02
/// (rank 0 is process 4711 on host-a)"
std::string describe(const JobIdentity& identity);

/// Prefix of the keys that ranks of this attempt of the job share. torchrun
/// serves one store for all attempts, and perhaps for several runs.
std::string key_prefix(const EnvRanks& ranks);

/// The key below key_prefix() that holds the identity of the rank that made the
/// job's other keys. Those lie below the prefix and that rank's nonce.
inline constexpr auto kJobKey = "job";

}  // namespace pp
