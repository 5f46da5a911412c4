#include "runtime/run/clock_seed.h"

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "loader/core/error.h"
#include "runtime/checkpoint/folder.h"
#include "runtime/checkpoint/inventory.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/from_rank.h"

namespace pp {

namespace {

using SeedJson = nlohmann::json;

/// A checkpoint's step and seed.
using SavedSeed = std::pair<int64_t, uint64_t>;

uint64_t microseconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

bool has_clock_seed(const Job& job) {
  return job.train && job.train->seed_from_clock;
}

/// The seed of the newest checkpoint in this rank's folder that the run may
/// continue from and that can be read; nullopt: there is none.
std::optional<SavedSeed> saved_seed(
    const OutputConfig& output, const ResumePoint& point) {
  if (point.resume == Resume::No) {
    return std::nullopt;
  }
  const auto folder = checkpoint_folder(output);
  for (const Candidate& candidate :
       candidates_of({list_text(folder, point.this_launch)})) {
    try {
      const int64_t step = candidate.listed.step;
      return SavedSeed(
          step, read_checkpoint(checkpoint_path(folder, step)).state.seed);
    } catch (const Error&) {
      // A damaged checkpoint is skipped here too; resuming says so.
    }
  }
  return std::nullopt;
}

/// Returns rank 0's point on all ranks.
ResumePoint point_of_first_rank(const ResumePoint& own, RankContext& context) {
  const SeedJson text = {own.resume != Resume::No, own.this_launch};
  return from_rank(
      broadcast_text(context, text.dump()),
      0,
      "its setting of --resume",
      [](const SeedJson& point) {
        return ResumePoint{
            point.at(0).get<bool>() ? Resume::IfAny : Resume::No,
            point.at(1).get<bool>()};
      });
}

/// The newest of the ranks' checkpoints.
///
/// texts  of each rank, "null" or [step, seed]
std::optional<SavedSeed> newest_of(const std::vector<std::string>& texts) {
  std::optional<SavedSeed> newest;
  for (size_t rank = 0; rank < texts.size(); ++rank) {
    const auto own = from_rank(
        texts[rank],
        static_cast<int>(rank),
        "the seed of its checkpoint",
        [](const SeedJson& json) {
          return json.is_null() ? std::nullopt
                                : std::optional(json.get<SavedSeed>());
        });
    if (own && (!newest || own->first > newest->first)) {
      newest = own;
    }
  }
  return newest;
}

}  // namespace

void settle_seed(Job& job, const ResumePoint& point) {
  if (has_clock_seed(job)) {
    const auto saved = saved_seed(job.output, point);
    job.train->seed = saved ? saved->second : microseconds_now();
  }
}

void settle_seed_together(
    Job& job, const ResumePoint& point, RankContext& context) {
  if (!has_clock_seed(job)) {
    return;
  }
  const auto own = saved_seed(job.output, point_of_first_rank(point, context));
  const auto texts = gather_text(
      context, own ? SeedJson(*own).dump() : SeedJson(nullptr).dump());
  const auto saved = newest_of(texts);  // nothing, except on rank 0
  const uint64_t seed = saved ? saved->second : microseconds_now();
  job.train->seed = from_rank(
      broadcast_text(context, std::to_string(seed)),
      0,
      "the seed",
      [](const SeedJson& json) { return json.get<uint64_t>(); });
}

}  // namespace pp
