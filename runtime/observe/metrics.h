#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "runtime/observe/step_report.h"

namespace pp {

/// Returns one line of `metrics.jsonl`, without the newline. Values that the
/// report doesn't have are left out; a number that isn't finite becomes null.
std::string metrics_line(const StepReport& report);
/// Returns {"step": ..., "eval_loss": ..., "eval_s": ...}.
std::string metrics_line(const EvalReport& report);

/// Appends to `metrics.jsonl`; every line reaches the file before the call
/// returns.
class MetricsWriter {
 public:
  /// Opens the file and truncates it before the first line that is incomplete
  /// or that has a step of at least `first_step`.
  ///
  /// first_step  the first step that this run reports; 0 empties the file
  /// throws      Error(Runtime) naming the path and the system's reason
  MetricsWriter(const std::filesystem::path& path, int64_t first_step);

  // Both throw Error(Runtime), for example if the disk is full.
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
