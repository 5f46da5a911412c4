#include "runtime/schedule/schedules/building_block.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>

#include "loader/core/error.h"
#include "runtime/schedule/placement.h"

namespace pp {
namespace {

constexpr int kPeriod = 6;

// Pauses between the passages of a microbatch, in units of time.
struct Turns {
  int at_last_rank = 1;  // forward: from the way down to the way up
  int at_loss = 1;       // from the last forward to its gradient
  int back_at_last = 1;  // gradient: from the way down to the way up
};

// The times, in units, of one rank's six actions for microbatch 0.
struct Pattern {
  int forward_down = 0;
  int forward_up = 0;
  int input_down = 0;  // of the stage on the way up
  int input_up = 0;    // of the stage on the way down
  int weight_up_stage = 0;
  int weight_down_stage = 0;
};

Pattern pattern_of(
    int rank, int num_ranks, const Hops& hops, const Turns& turns) {
  const int below = num_ranks - 1 - rank;
  const int hops_down = num_ranks - 1;
  Pattern at;
  at.forward_down = hops.forward_down * rank;
  const int turn = hops.forward_down * hops_down + turns.at_last_rank;
  at.forward_up = turn + hops.forward_up * below;
  const int loss = turn + hops.forward_up * hops_down + turns.at_loss;
  at.input_down = loss + hops.input_down * rank;
  const int back = loss + hops.input_down * hops_down + turns.back_at_last;
  at.input_up = back + hops.input_up * below;
  return at;
}

// Places the weight gradients in the two free units of the period, each in the
// first after its input gradient. Returns false if two actions coincide.
bool place_weights(Pattern& at) {
  std::array<bool, kPeriod> taken{};
  for (const int time :
       {at.forward_down, at.forward_up, at.input_down, at.input_up}) {
    if (taken[time % kPeriod]) {
      return false;
    }
    taken[time % kPeriod] = true;
  }
  const auto next_free = [&](int time) {
    do {
      ++time;
    } while (taken[time % kPeriod]);
    taken[time % kPeriod] = true;
    return time;
  };
  at.weight_up_stage = next_free(at.input_down);
  at.weight_down_stage = next_free(at.input_up);
  return true;
}

std::optional<std::vector<Pattern>> try_turns(
    int num_ranks, const Hops& hops, const Turns& turns) {
  std::vector<Pattern> patterns;
  for (int rank = 0; rank < num_ranks; ++rank) {
    patterns.push_back(pattern_of(rank, num_ranks, hops, turns));
    if (!place_weights(patterns.back())) {
      return std::nullopt;
    }
  }
  return patterns;
}

// Number of activations alive on one rank at one point of the period, once the
// pattern repeats; those of both stages, from F to the end of W.
int live_at(const Pattern& at, int point) {
  // The times from `forward` to `weight` at this point of a period.
  const auto alive = [&](int forward, int weight) {
    return (weight - point + kPeriod) / kPeriod -
           (forward - point + kPeriod - 1) / kPeriod;
  };
  return alive(at.forward_down, at.weight_down_stage) +
         alive(at.forward_up, at.weight_up_stage);
}

int peak_live(const std::vector<Pattern>& patterns) {
  int peak = 0;
  for (const Pattern& at : patterns) {
    for (int point = 0; point < kPeriod; ++point) {
      peak = std::max(peak, live_at(at, point));
    }
  }
  return peak;
}

// Among the pauses with which no rank has to do two things at once, finds those
// with the fewest live activations, and among these the shortest.
std::vector<Pattern> find_patterns(int num_ranks, const Hops& hops) {
  std::vector<Pattern> best;
  std::pair<int, int> best_cost;
  for (int first = 1; first <= kPeriod; ++first) {
    for (int second = 1; second <= kPeriod; ++second) {
      for (int third = 1; third <= kPeriod; ++third) {
        auto found = try_turns(num_ranks, hops, {first, second, third});
        if (!found) {
          continue;
        }
        const std::pair<int, int> cost = {
            peak_live(*found), first + second + third};
        if (best.empty() || cost < best_cost) {
          best = std::move(*found);
          best_cost = cost;
        }
      }
    }
  }
  check(!best.empty(), "no pauses fit the period");
  return best;
}

struct Timed {
  int time = 0;
  Action action;
};

// The actions of one rank at the times of the repeated pattern.
std::vector<Timed> repeat(
    const Pattern& at, int down_stage, int up_stage, int num_microbatches) {
  std::vector<Timed> timed;
  for (int mb = 0; mb < num_microbatches; ++mb) {
    const int start = kPeriod * mb;
    const auto add = [&](int time, int stage, ActionKind kind) {
      timed.push_back({start + time, {stage, mb, kind}});
    };
    add(at.forward_down, down_stage, ActionKind::Forward);
    add(at.forward_up, up_stage, ActionKind::Forward);
    add(at.input_down, up_stage, ActionKind::BackwardInput);
    add(at.input_up, down_stage, ActionKind::BackwardInput);
    add(at.weight_up_stage, up_stage, ActionKind::BackwardWeight);
    add(at.weight_down_stage, down_stage, ActionKind::BackwardWeight);
  }
  std::ranges::sort(timed, {}, &Timed::time);
  return timed;
}

// Runs all ranks with simulated time, one action per unit. A rank does the next
// F or I of its pattern if the input has arrived, else the oldest weight
// gradient that waits. A weight gradient whose place in the pattern has come
// goes first.
class Packer {
 public:
  Packer(const Shape& shape, std::vector<std::vector<Timed>> timed)
      : num_stages_(shape.num_stages),
        num_microbatches_(shape.num_microbatches),
        timed_(std::move(timed)),
        next_(timed_.size(), 0),
        finished_(
            static_cast<size_t>(shape.num_stages) *
                static_cast<size_t>(shape.num_microbatches) * 2,
            -1) {}

  std::vector<std::vector<Action>> run() {
    std::vector<std::vector<Action>> programs(timed_.size());
    std::vector<std::deque<Action>> weights(timed_.size());
    size_t left = 0;
    for (const auto& timed : timed_) {
      left += timed.size();
    }
    for (int now = 0; left > 0; ++now) {
      for (size_t rank = 0; rank < timed_.size(); ++rank) {
        if (const auto action = choose(rank, now, weights[rank])) {
          programs[rank].push_back(*action);
          --left;
        }
      }
    }
    return programs;
  }

 private:
  int& finished(int stage, int microbatch, bool is_backward) {
    return finished_
        [(static_cast<size_t>(stage) * num_microbatches_ + microbatch) * 2 +
         (is_backward ? 1 : 0)];
  }

  bool is_ready(const Action& action, int now) {
    const bool is_backward = action.kind == ActionKind::BackwardInput;
    int source = action.stage + (is_backward ? 1 : -1);
    if (source < 0) {
      return true;
    }
    bool from_backward = is_backward;
    if (source == num_stages_) {
      source = action.stage;
      from_backward = false;
    }
    const int time = finished(source, action.microbatch, from_backward);
    return time >= 0 && time < now;
  }

  std::optional<Action> choose(
      size_t rank, int now, std::deque<Action>& weights) {
    const auto& timed = timed_[rank];
    size_t& next = next_[rank];
    // A weight gradient may be done before its place in the pattern.
    while (next < timed.size() &&
           timed[next].action.kind == ActionKind::BackwardWeight) {
      const Action due = timed[next].action;
      const auto found = std::ranges::find(weights, due);
      ++next;
      if (found != weights.end()) {
        weights.erase(found);
        return due;
      }
    }
    if (next < timed.size() && is_ready(timed[next].action, now)) {
      const Action action = timed[next++].action;
      const bool is_backward = action.kind == ActionKind::BackwardInput;
      finished(action.stage, action.microbatch, is_backward) = now;
      if (is_backward) {
        weights.push_back(
            {action.stage, action.microbatch, ActionKind::BackwardWeight});
      }
      return action;
    }
    if (weights.empty()) {
      return std::nullopt;
    }
    const Action oldest = weights.front();
    weights.pop_front();
    return oldest;
  }

  int num_stages_;
  int num_microbatches_;
  std::vector<std::vector<Timed>> timed_;
  std::vector<size_t> next_;
  std::vector<int> finished_;  // time, by stage, microbatch and direction
};

}  // namespace

Schedule repeat_building_block(
    std::string_view name, const Shape& shape, const Hops& hops) {
  Schedule out;
  out.stage_to_rank = v_placement(name, shape);
  const std::vector<Pattern> patterns = find_patterns(shape.num_ranks, hops);
  std::vector<std::vector<Timed>> timed;
  for (int rank = 0; rank < shape.num_ranks; ++rank) {
    timed.push_back(repeat(
        patterns[rank],
        rank,
        shape.num_stages - 1 - rank,
        shape.num_microbatches));
  }
  out.ranks = Packer(shape, std::move(timed)).run();
  return out;
}

}  // namespace pp
