#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "loader/core/log.h"
#include "runtime/observe/metrics.h"
#include "runtime/observe/progress.h"

namespace pp {

/// What rank 0 shows of a training run and writes to `metrics.jsonl`.
///
/// The output folder is touched by the first report and not before: a run that
/// fails in its first step leaves an earlier run's files as they are.
class TrainingLog {
 public:
  /// first_step  the first step this run reports
  /// resumed     go on in the folder's files. Else the run is a new one, and
  ///             an earlier run's checkpoints there are set aside.
  /// keep        how many earlier runs' stay; 0: all
  TrainingLog(
      std::filesystem::path folder,
      int64_t first_step,
      bool resumed,
      int keep,
      Log log);

  /// throws  Error(Runtime), e.g. disk full
  void write(const StepReport& report);
  void write(const EvalReport& report);
  /// A line of text above the progress bar.
  void note(const std::string& line) { progress_->note(line); }
  void finish() { progress_->finish(); }

 private:
  MetricsWriter& metrics();

  std::filesystem::path folder_;
  int64_t first_step_;
  bool resumed_;
  int keep_;
  Log log_;
  std::optional<MetricsWriter> metrics_;
  std::unique_ptr<Progress> progress_;
};

}  // namespace pp
