#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "runtime/observe/step_report.h"

namespace pp {

/// One line of `metrics.jsonl`, without the newline. What a report does not
/// have is left out; a number that is not finite is null.
std::string metrics_line(const StepReport& report);
/// {"step": ..., "eval_loss": ..., "eval_s": ...}
std::string metrics_line(const EvalReport& report);

/// Appends to `metrics.jsonl`; every line reaches the file before the call
/// returns.
class MetricsWriter {
 public:
  /// first_step  the first step this run will report: the file is cut before
  ///             the first line of that step or a later one, or that is not
  ///             whole. 0 starts anew.
  /// throws      Error(Runtime) naming the path and the system's reason
  MetricsWriter(const std::filesystem::path& path, int64_t first_step);

  /// throws  Error(Runtime), e.g. disk full
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
