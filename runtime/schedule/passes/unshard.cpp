#include <algorithm>
#include <map>

#include "loader/core/error.h"
#include "runtime/schedule/lower.h"

namespace pp {
namespace {

// The positions at which each stage of a rank computes.
class NextUses {
 public:
  explicit NextUses(const std::vector<Action>& program) : program_(program) {
    for (size_t i = 0; i < program.size(); ++i) {
      if (is_compute(program[i].kind)) {
        uses_[program[i].stage].positions.push_back(i);
      }
    }
  }

  // The stages that compute next from `position` on, nearest first: `count` of
  // them if there are as many, and one more rather than half of a pair.
  std::vector<int32_t> from(size_t position, size_t count) {
    std::vector<std::pair<size_t, int32_t>> next;
    for (auto& [stage, use] : uses_) {
      while (use.at < use.positions.size() &&
             use.positions[use.at] < position) {
        ++use.at;
      }
      if (use.at < use.positions.size()) {
        next.emplace_back(use.positions[use.at], stage);
      }
    }
    std::ranges::sort(next);
    std::vector<int32_t> stages;
    for (const auto& [at, stage] : next) {
      const bool ends_pair = at > position && program_[at - 1].overlaps_next;
      if (stages.size() >= count && !ends_pair) {
        break;
      }
      stages.push_back(stage);
      if (stages.size() > count) {
        break;
      }
    }
    return stages;
  }

 private:
  struct Use {
    std::vector<size_t> positions;
    size_t at = 0;
  };
  const std::vector<Action>& program_;
  std::map<int32_t, Use> uses_;
};

std::vector<Action> with_unshard(
    const std::vector<Action>& program, size_t max_unsharded) {
  std::vector<Action> out;
  out.reserve(program.size() + program.size() / 4);
  std::vector<int32_t> unsharded;  // oldest first
  NextUses uses(program);
  bool inside_pair = false;
  for (size_t i = 0; i < program.size(); ++i) {
    if (is_compute(program[i].kind) && !inside_pair) {
      const std::vector<int32_t> wanted = uses.from(i, max_unsharded);
      const auto is_wanted = [&](int32_t stage) {
        return std::ranges::find(wanted, stage) != wanted.end();
      };
      for (const int32_t stage : unsharded) {
        if (!is_wanted(stage)) {
          out.push_back({stage, kNoMicrobatch, ActionKind::Reshard});
        }
      }
      std::erase_if(unsharded, [&](int32_t s) { return !is_wanted(s); });
      for (const int32_t stage : wanted) {
        if (std::ranges::find(unsharded, stage) == unsharded.end()) {
          out.push_back({stage, kNoMicrobatch, ActionKind::Unshard});
          unsharded.push_back(stage);
        }
      }
    }
    inside_pair = program[i].overlaps_next;
    out.push_back(program[i]);
  }
  for (const int32_t stage : unsharded) {
    out.push_back({stage, kNoMicrobatch, ActionKind::Reshard});
  }
  return out;
}

}  // namespace

Schedule add_unshard(Schedule schedule, int max_unsharded) {
  if (max_unsharded < 2) {
    throw usage_error(
        "a rank needs room for at least 2 unsharded stages, got " +
        std::to_string(max_unsharded));
  }
  for (auto& program : schedule.ranks) {
    program = with_unshard(program, static_cast<size_t>(max_unsharded));
  }
  return schedule;
}

}  // namespace pp
