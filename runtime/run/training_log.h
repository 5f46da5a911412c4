#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

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
  /// begin       makes way in the folder; called before it is written to
  TrainingLog(
      std::filesystem::path folder,
      int64_t first_step,
      std::function<void()> begin);

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
  std::function<void()> begin_;
  std::optional<MetricsWriter> metrics_;
  std::unique_ptr<Progress> progress_;
};

}  // namespace pp
