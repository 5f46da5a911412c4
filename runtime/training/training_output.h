#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "runtime/job/job.h"
#include "runtime/observe/metrics.h"
#include "runtime/observe/progress.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// The progress that a training run shows its user, and the `metrics.jsonl`
/// that it writes, both on rank 0.
///
/// The output folder is not touched before the first step has succeeded: a run
/// that fails in its first step leaves an earlier run's files as they are.
class TrainingOutput {
 public:
  struct Start {
    int64_t step = 1;      ///< the first step that this run reports
    bool resumed = false;  ///< the folder's checkpoints are this run's own
    /// Whether this rank sets an earlier run's files aside. One rank per folder
    /// does.
    bool leads_folder = false;
    bool overwrite = false;  ///< remove an earlier run's files instead
  };

  /// config, world  must outlive this
  TrainingOutput(
      const OutputConfig& config, const RankContext& world, const Start& start);

  /// Sets an earlier run's checkpoints and metrics aside, the first time it is
  /// called. Called on every rank after each step; write() calls it too.
  /// throws  Error(Runtime) naming the path
  void begin();

  /// Only on rank 0.
  /// throws  Error(Runtime), e.g. disk full
  void write(const StepReport& report);
  void write(const EvalReport& report);
  /// Writes the result of a job that only evaluates to evaluation_path(); an
  /// earlier run's files stay as they are. Only on rank 0.
  void write_evaluation(const EvalReport& report);
  std::filesystem::path evaluation_path() const {
    return config_.dir / "eval.json";
  }

  /// Prints a line of text above the progress bar; does nothing on other ranks.
  void note(const std::string& line);
  void finish();

 private:
  MetricsWriter& metrics();

  const OutputConfig& config_;
  const RankContext& world_;
  Start start_;
  bool begun_;  ///< true once the previous run's output was set aside
  std::unique_ptr<Progress> progress_;  ///< on rank 0
  std::optional<MetricsWriter> metrics_;
};

}  // namespace pp
