#pragma once

#include <filesystem>
#include <vector>

// Sets the checkpoints and metrics of an earlier run aside, or removes them,
// before a run that starts anew writes its own.

namespace pp {

struct EarlierRun {
  std::vector<std::filesystem::path> now;  ///< new paths of what was set aside
  /// Removed files of the earlier run, or of runs before it.
  std::vector<std::filesystem::path> removed;
};

/// Renames `checkpoints` in the folder to `checkpoints.1`, and `metrics.jsonl`
/// to `metrics.jsonl.1`; files that already end in `.1` get `.2`, and so on.
/// Then removes the files of the oldest runs that were set aside, so that
/// `keep` runs remain (0: all).
///
/// returns  the paths; both lists are empty if the folder has no such files
/// throws   Error(Runtime) naming the path and the system's reason
EarlierRun set_run_aside(const std::filesystem::path& output_dir, int keep);

/// Removes `checkpoints` and `metrics.jsonl` in the folder instead of renaming
/// them.
/// throws  Error(Runtime) naming the path and the system's reason
EarlierRun remove_run(const std::filesystem::path& output_dir);

}  // namespace pp
