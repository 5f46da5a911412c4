#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "runtime/launch/rank_context.h"
#include "runtime/observe/trace.h"
#include "runtime/run/device_times.h"

namespace pp {

/// `output.trace` of one rank: what it does is recorded while this lives.
class RunTrace {
 public:
  /// All ranks call it together. context: of the whole job; must outlive this
  /// replica  this rank's
  /// wanted   false: nothing is recorded or written
  RunTrace(RankContext& context, int replica, bool wanted);
  RunTrace(const RunTrace&) = delete;
  RunTrace& operator=(const RunTrace&) = delete;
  ~RunTrace();

  void begin_step(int64_t step);
  /// What the rank's device did, `origin_ns` after the clock's zero, and what
  /// the stage then held of its memory.
  void on_device(
      const Action& action,
      int64_t origin_ns,
      const DeviceTimes::Span& span,
      int64_t num_bytes);
  void begin(const char* name);
  void end();

  /// All ranks call it together: rank 0 writes `<folder>/trace.json`.
  /// returns  its path, where one was written
  std::optional<std::filesystem::path> finish(
      const std::filesystem::path& folder);

 private:
  RankContext& context_;
  std::optional<TraceRecorder> recorder_;
  int64_t origin_ns_ = 0;
};

}  // namespace pp
