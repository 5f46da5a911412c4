#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "runtime/observe/trace.h"
#include "runtime/pipeline/device_times.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// While an object of this class exists, records what one rank does, for
/// `output.trace`.
class RunTrace {
 public:
  /// All ranks construct it together.
  ///
  /// context  of the whole job; must outlive this
  /// replica  index of the replica that this rank belongs to
  /// wanted   whether to record and write anything
  RunTrace(RankContext& context, int replica, bool wanted);
  RunTrace(const RunTrace&) = delete;
  RunTrace& operator=(const RunTrace&) = delete;
  ~RunTrace();

  void begin_step(int64_t step);
  /// Adds an action of the rank's device, and the device memory that the stage
  /// held after it.
  ///
  /// origin_ns  the time, on the trace's clock, from which the span's times
  ///            count
  void on_device(
      const Action& action,
      int64_t origin_ns,
      const DeviceTimes::Span& span,
      int64_t num_bytes);
  void begin(const char* name);
  void end();

  /// Collects all ranks' records, which rank 0 writes to a file. All ranks call
  /// it together.
  /// returns  the file's path, on the rank that wrote it
  std::optional<std::filesystem::path> finish(
      const std::filesystem::path& file);

 private:
  RankContext& context_;
  std::optional<TraceRecorder> recorder_;
  int64_t origin_ns_ = 0;
};

}  // namespace pp
