#include <algorithm>
#include <array>
#include <cctype>

#include "loader/core/error.h"
#include "loader/core/known_names.h"
#include "runtime/schedule/schedule.h"
#include "runtime/schedule/schedules/schedules.h"

namespace pp {
namespace {

constexpr std::array kSchedules = {
    ScheduleEntry{
        .name = "GPipe",
        .summary = "all forwards, then all backwards",
        .places_blocks = true,
        .generate = gpipe},
    ScheduleEntry{
        .name = "1F1B",
        .summary =
            "one forward, one backward: memory bounded by the rank count",
        .places_blocks = true,
        .generate = one_f_one_b},
    ScheduleEntry{
        .name = "Interleaved1F1B",
        .summary = "1F1B with several stages per rank: a smaller bubble",
        .default_stages_per_rank = 2,
        .generate = interleaved_1f1b},
    ScheduleEntry{
        .name = "LoopedBFS",
        .summary = "GPipe with several stages per rank, one stage at a time",
        .default_stages_per_rank = 2,
        .generate = looped_bfs},
    ScheduleEntry{
        .name = "InterleavedZeroBubble",
        .summary = "Interleaved1F1B with weight gradients in the bubbles",
        .default_stages_per_rank = 2,
        .generate = interleaved_zero_bubble},
    ScheduleEntry{
        .name = "ZBVZeroBubble",
        .summary = "V placement: weight gradients fill all bubbles after the "
                   "start",
        .default_stages_per_rank = 2,
        .fixed_stages_per_rank = true,
        .generate = zbv_zero_bubble},
    ScheduleEntry{
        .name = "DualPipeV",
        .summary = "V placement, a forward beside each backward",
        .default_stages_per_rank = 2,
        .fixed_stages_per_rank = true,
        .generate = dual_pipe_v},
    ScheduleEntry{
        .name = "VHalf",
        .summary = "V placement at half of 1F1B's activations",
        .default_stages_per_rank = 2,
        .fixed_stages_per_rank = true,
        .generate = v_half},
    ScheduleEntry{
        .name = "VMin",
        .summary = "V placement at a third of 1F1B's activations",
        .default_stages_per_rank = 2,
        .fixed_stages_per_rank = true,
        .generate = v_min},
};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char letter) {
    return static_cast<char>(std::tolower(letter));
  });
  return lower;
}

}  // namespace

std::span<const ScheduleEntry> all_schedules() {
  return kSchedules;
}

const ScheduleEntry& find_schedule(std::string_view name) {
  std::vector<std::string> names;
  for (const ScheduleEntry& entry : kSchedules) {
    if (lower_case(entry.name) == lower_case(name)) {
      return entry;
    }
    names.emplace_back(entry.name);
  }
  throw usage_error(
      "unknown schedule '" + std::string(name) + "'" +
      nearest_or_all(name, names));
}

}  // namespace pp
