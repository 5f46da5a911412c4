#pragma once

#include <filesystem>
#include <vector>

// A run that isn't resumed makes way for itself: an earlier run's checkpoints
// and metrics are set aside or removed.

namespace pp {

struct EarlierRun {
  std::vector<std::filesystem::path> now;  ///< the names they have now
  std::vector<std::filesystem::path>
      removed;  ///< of runs before it, or its own
};

/// Renames `checkpoints` in the folder to `checkpoints.1`, and `metrics.jsonl`
/// to `metrics.jsonl.1`; what was `.1` becomes `.2`, and so on. Of the runs
/// set aside, `keep` remain (0: all); the files of older ones are removed.
///
/// returns nothing in both lists if there are no such files
/// throws  Error(Runtime) naming the path and the system's reason
EarlierRun set_run_aside(const std::filesystem::path& output_dir, int keep);

/// Removes the checkpoints and metrics themselves instead.
/// throws  Error(Runtime) naming the path and the system's reason
EarlierRun remove_run(const std::filesystem::path& output_dir);

}  // namespace pp
