#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "runtime/observe/trace.h"
#include "runtime/pipeline/device_times.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// Records what one rank does, for `output.trace`, as long as the object
/// exists.
class RunTrace {
 public:
  /// All ranks construct the object together.
  ///
  /// context  the context of the whole job; must outlive this object
  /// replica  index of the replica that this rank belongs to
  /// wanted   whether to record and write anything
  RunTrace(RankContext& context, int replica, bool wanted);
  RunTrace(const RunTrace&) = delete;
  RunTrace& operator=(const RunTrace&) = delete;
  ~RunTrace();

  void begin_step(int64_t step);
  /// Adds an action that the rank's device ran, and the device memory that the
  /// action's stage held after it.
  ///
  /// origin_ns  the time of trace_clock_ns() to which the times of `span` are
  ///            relative
  void on_device(
      const Action& action,
      int64_t origin_ns,
      const DeviceTimes::Span& span,
      int64_t num_bytes);
  void begin(const char* name);
  void end();

  /// Collects all ranks' records on rank 0, which writes them to `file`. All
  /// ranks call it together.
  ///
  /// returns  the file's path on the rank that wrote it; nullopt elsewhere
  std::optional<std::filesystem::path> finish(
      const std::filesystem::path& file);

 private:
  RankContext& context_;
  std::optional<TraceRecorder> recorder_;
  int64_t origin_ns_ = 0;
};

}  // namespace pp
