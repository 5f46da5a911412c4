#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/job/job.h"
#include "runtime/observe/metrics.h"
#include "runtime/observe/progress.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// The progress that a training run shows its user, and the `metrics.jsonl`
/// that it writes, both on rank 0.
///
/// The output folder is not changed before the first step has succeeded, so a
/// run that fails in its first step leaves an earlier run's files as they are.
class TrainingOutput {
 public:
  struct Start {
    int64_t step = 1;  ///< the first step that this run reports
    /// Whether the checkpoints in the folder belong to this run.
    bool resumed = false;
    /// Whether this rank sets an earlier run's files aside. Exactly one of the
    /// ranks that share an output folder does so.
    bool leads_folder = false;
    /// Whether to remove an earlier run's files, not set them aside.
    bool overwrite = false;
  };

  /// config, world  must outlive this object
  TrainingOutput(
      const OutputConfig& config, const RankContext& world, const Start& start);

  /// On its first call, sets an earlier run's checkpoints and metrics aside.
  /// Every rank calls it after each step; write() calls it too.
  /// throws  Error(Runtime) naming the path
  void begin();

  /// Writes a report to `metrics.jsonl` and shows it to the user. Call it only
  /// on rank 0.
  /// throws  Error(Runtime): a file can't be written, for example because the
  ///         disk is full
  void write(const StepReport& report);
  void write(const EvalReport& report);
  /// Returns the evaluations in `metrics.jsonl` up to the one after `last_step`
  /// updates.
  std::vector<EvalReport> evaluations(int64_t last_step) const;
  /// Writes to evaluation_path() the result of a job that only evaluates.
  /// Leaves an earlier run's files as they are. Call it only on rank 0.
  void write_evaluation(const EvalReport& report);
  std::filesystem::path evaluation_path() const {
    return config_.dir / "eval.json";
  }

  /// Prints a line of text above the progress bar. Does nothing on ranks other
  /// than 0.
  void note(const std::string& line);
  void finish();

 private:
  MetricsWriter& metrics();

  const OutputConfig& config_;
  const RankContext& world_;
  Start start_;
  bool begun_;  ///< true once the previous run's output was set aside
  std::unique_ptr<Progress> progress_;  ///< null on ranks other than 0
  std::optional<MetricsWriter> metrics_;
};

}  // namespace pp
