#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "runtime/observe/step_report.h"

namespace pp {

/// Returns a report as one line of `metrics.jsonl`, without the newline.
/// Members that are nullopt are left out; a number that isn't finite becomes
/// null.
std::string metrics_line(const StepReport& report);
/// Returns an evaluation's line: {"step": ..., "eval_loss": ..., "eval_s":
/// ...}.
std::string metrics_line(const EvalReport& report);

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

  // write() throws Error(Runtime), for example if the disk is full.
  void write(const StepReport& report);
  void write(const EvalReport& report);

 private:
  void append(const std::string& line);

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace pp
