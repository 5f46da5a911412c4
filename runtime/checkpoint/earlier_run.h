#pragma once

#include <filesystem>
#include <vector>

// Sets the checkpoints and metrics of an earlier run aside, or removes them,
// before a run that isn't resumed writes its own.

namespace pp {

struct EarlierRun {
  std::vector<std::filesystem::path> now;  ///< new paths of what was set aside
  /// Removed files, of this or older runs.
  std::vector<std::filesystem::path> removed;
};

/// Renames `checkpoints` in the folder to `checkpoints.1`, and `metrics.jsonl`
/// to `metrics.jsonl.1`; files that end in `.1` get `.2` instead, and so on.
/// Keeps the files of `keep` runs that were set aside (0: of all), and removes
/// those of older runs.
///
/// returns  the paths; both lists are empty if the folder has no such files
/// throws   Error(Runtime) naming the path and the system's reason
EarlierRun set_run_aside(const std::filesystem::path& output_dir, int keep);

/// Removes `checkpoints` and `metrics.jsonl` in the folder instead of renaming
/// them.
/// throws  Error(Runtime) naming the path and the system's reason
EarlierRun remove_run(const std::filesystem::path& output_dir);

}  // namespace pp
