#pragma once

#include <filesystem>
#include <vector>

// Before a run that isn't resumed writes its files, an earlier run's
// checkpoints and metrics are set aside or removed.

namespace pp {

struct EarlierRun {
  std::vector<std::filesystem::path> now;  ///< new names of what was set aside
  std::vector<std::filesystem::path> removed;  ///< files of this or older runs
};

/// Renames `checkpoints` in the folder to `checkpoints.1`, and `metrics.jsonl`
/// to `metrics.jsonl.1`; what was `.1` becomes `.2`, and so on. Of the runs
/// set aside, `keep` remain (0: all); the files of older ones are removed.
///
/// returns nothing in both lists if there are no such files
/// throws  Error(Runtime) naming the path and the system's reason
EarlierRun set_run_aside(const std::filesystem::path& output_dir, int keep);

/// Removes `checkpoints` and `metrics.jsonl` in the folder instead of renaming
/// them.
/// throws  Error(Runtime) naming the path and the system's reason
EarlierRun remove_run(const std::filesystem::path& output_dir);

}  // namespace pp
