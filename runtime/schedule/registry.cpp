#include <algorithm>
#include <array>
#include <cctype>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/schedule/schedule.h"
#include "runtime/schedule/schedules/schedules.h"

namespace pp {
namespace {

constexpr std::array kSchedules = {
    ScheduleEntry{"GPipe", "all forwards, then all backwards", 1, gpipe},
    ScheduleEntry{
        "1F1B",
        "one forward, one backward: memory bounded by the ranks",
        1,
        one_f_one_b},
    ScheduleEntry{
        "Interleaved1F1B",
        "1F1B with stages round the ranks: a smaller bubble",
        2,
        interleaved_1f1b},
    ScheduleEntry{
        "LoopedBFS",
        "GPipe with stages round the ranks, a stage at a time",
        2,
        looped_bfs},
    ScheduleEntry{
        "InterleavedZeroBubble",
        "Interleaved1F1B with weight gradients in the bubbles",
        2,
        interleaved_zero_bubble},
    ScheduleEntry{
        "ZBVZeroBubble",
        "V placement, weight gradients in the bubbles: no bubble but the fill",
        2,
        zbv_zero_bubble},
    ScheduleEntry{
        "DualPipeV",
        "V placement, a forward beside each backward",
        2,
        dual_pipe_v},
    ScheduleEntry{
        "VHalf", "V placement at half of 1F1B's activations", 2, v_half},
    ScheduleEntry{
        "VMin", "V placement at a third of 1F1B's activations", 2, v_min},
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
      did_you_mean(name, names) + "; known: " + join(names));
}

}  // namespace pp
