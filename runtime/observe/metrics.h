#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "loader/archive/descriptor.h"
#include "runtime/observe/step_report.h"

namespace pp {

/// Returns a report as one line of `metrics.jsonl`, without the newline.
/// Members that are nullopt are left out; a number that isn't finite becomes
/// null.
std::string metrics_line(const StepReport& report);
/// Returns an evaluation's line: {"step": ..., "eval_loss": ...,
/// "eval_accuracy": ..., "eval_s": ...}.
std::string metrics_line(const EvalReport& report);

/// Returns the evaluations in a `metrics.jsonl` up to the one after `last_step`
/// updates, by ascending step; a number that is null is NaN. Empty if there is
/// no such file.
std::vector<EvalReport> read_evaluations(
    const std::filesystem::path& path, int64_t last_step);

/// Appends lines to `metrics.jsonl`. Every line reaches the file before the
/// call returns.
class MetricsWriter {
 public:
  /// Opens the file, and truncates it before the first line that is incomplete
  /// or whose step is at least `first_step`.
  ///
  /// first_step  the first step that this run reports; 0 empties the file
  /// throws      Error(Runtime) naming the path and the system's reason
  MetricsWriter(const std::filesystem::path& path, int64_t first_step);

  // If the file was moved or replaced, both functions continue in the file that
  // has its name now. They throw Error(Runtime) if the disk is full, the file
  // was removed, or its folder was moved or removed.
  void write(const StepReport& report);
  void write(const EvalReport& report);

 private:
  void open();
  void append(const std::string& line);

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  Descriptor folder_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace pp
