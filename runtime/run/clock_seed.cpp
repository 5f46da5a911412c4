#include "runtime/run/clock_seed.h"

#include <chrono>
#include <optional>
#include <ranges>

#include "loader/core/error.h"
#include "runtime/checkpoint/folder.h"

namespace pp {

namespace {

uint64_t microseconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

/// The seed of the newest checkpoint that can be read; nullopt: there is none.
std::optional<uint64_t> saved_seed(const OutputConfig& output) {
  const auto checkpoints = list_checkpoints(checkpoint_folder(output));
  for (const auto& path : std::views::reverse(checkpoints)) {
    try {
      return read_checkpoint(path).state.seed;
    } catch (const Error&) {
      // A damaged checkpoint is skipped here too; resuming says so.
    }
  }
  return std::nullopt;
}

}  // namespace

void settle_seed(Job& job, Resume resume) {
  if (!job.train || !job.train->seed_from_clock) {
    return;
  }
  const auto saved =
      resume == Resume::No ? std::nullopt : saved_seed(job.output);
  job.train->seed = saved ? *saved : microseconds_now();
}

}  // namespace pp
