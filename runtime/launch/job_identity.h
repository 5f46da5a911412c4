#pragma once

#include <string>

#include "runtime/launch/launch.h"
#include "runtime/launch/process_id.h"

namespace pp {

/// Identifies a process as a rank of a job. If ranks of two jobs meet in one
/// store, they notice it by their identities, and can name each other's job.
struct JobIdentity {
  /// The launcher's name of the job, "Slurm step 71.0"; may be empty.
  std::string name;
  int rank = 0;
  int size = 1;
  std::string output;  ///< the folder that the job writes to; may be empty
  std::string host;
  ProcessId process;
  std::string started;  ///< start time, "2026-11-30 05:31:02"
  /// A random string that no other process has.
  std::string nonce;
};

/// Returns the identity of this process.
JobIdentity own_identity(
    const EnvRanks& ranks, const std::string& output_folder);

std::string to_json(const JobIdentity& identity);
/// Parses a result of to_json().
/// throws  Error(Runtime): `text` is not a result of to_json()
JobIdentity identity_from_json(const std::string& text);

/// Whether both processes may be ranks of one job. They can't be if their
/// launchers give different names or sizes, or if they write to different
/// folders of one machine.
bool may_be_one_job(const JobIdentity& a, const JobIdentity& b);

/// Returns a description of the job: "Slurm step 71.0, 2 ranks, output in
/// /data/runs, started 2026-11-30 05:31:02 (rank 0 is process 4711 on host-a)".
std::string describe(const JobIdentity& identity);

/// Returns the prefix of the keys that the ranks of this attempt of the job
/// share. torchrun serves one store for all attempts, and perhaps for several
/// runs.
std::string key_prefix(const EnvRanks& ranks);

/// The key under key_prefix() that holds the identity of the rank that began
/// the job. All other keys begin with key_prefix() followed by its nonce.
inline constexpr auto kJobKey = "job";

}  // namespace pp
