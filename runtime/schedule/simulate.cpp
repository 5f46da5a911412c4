#include "runtime/schedule/simulate.h"

#include <algorithm>
#include <map>
#include <utility>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "runtime/schedule/peak_live.h"
#include "runtime/schedule/progress.h"

namespace pp {
namespace {

// The position of a timed action: its rank, and its index in that timeline.
struct Ref {
  int32_t rank = -1;
  int64_t index = -1;
};

// Something a rank waits for: when it arrives, and the action that made it.
struct Arrival {
  double time = -1;  // -1: it hasn't arrived
  Ref source;
};

bool has_sends(const Schedule& schedule) {
  for (const auto& program : schedule.ranks) {
    for (const Action& action : program) {
      if (action.kind == ActionKind::SendForward ||
          action.kind == ActionKind::SendBackward) {
        return true;
      }
    }
  }
  return false;
}

class Simulator {
 public:
  Simulator(const Schedule& schedule, const CostTable& costs)
      : schedule_(schedule),
        costs_(costs),
        has_sends_(has_sends(schedule)),
        num_microbatches_(static_cast<size_t>(num_microbatches(schedule))),
        activations_(schedule.stage_to_rank.size() * num_microbatches_),
        gradients_(activations_.size()),
        produced_(activations_.size() * 2),
        ranks_(schedule.ranks.size()) {
    timeline_.ranks.resize(schedule.ranks.size());
    const size_t rows = costs.stages.size();
    if (rows != 1 && rows != schedule.stage_to_rank.size()) {
      throw usage_error(
          "the cost table has " + count_text(rows, "row", "rows") + " for " +
          count_text(schedule.stage_to_rank.size(), "stage", "stages") +
          "; it needs one row for all stages or one row per stage");
    }
  }

  Timeline run() {
    if (const auto waits = find_deadlock(
            schedule_, num_microbatches(schedule_), Sends::Buffered)) {
      throw usage_error("the schedule deadlocks: " + to_string(*waits));
    }
    std::vector<size_t> queue(ranks_.size());
    for (size_t rank = 0; rank < ranks_.size(); ++rank) {
      queue[rank] = rank;
    }
    while (!queue.empty()) {
      const size_t rank = queue.back();
      queue.pop_back();
      advance(rank, queue);
    }
    finish();
    return std::move(timeline_);
  }

 private:
  struct RankState {
    size_t next = 0;
    double now = 0;
    std::vector<Ref> causes;  // by timed action: what it began after
  };

  size_t index(const Action& action) const {
    return static_cast<size_t>(action.stage) * num_microbatches_ +
           static_cast<size_t>(action.microbatch);
  }
  const StageCost& cost_of(const Action& action) const {
    return costs_.stages.size() == 1 ? costs_.stages.front()
                                     : costs_.stages[action.stage];
  }
  double duration(const Action& action) const {
    const StageCost& cost = cost_of(action);
    switch (action.kind) {
      case ActionKind::Forward:
        return cost.forward;
      case ActionKind::BackwardInput:
        return cost.input;
      case ActionKind::BackwardWeight:
        return cost.weight;
      default:
        return cost.backward;
    }
  }

  // The input that an action waits for; null if it needs none.
  const Arrival* input(const Action& action) const {
    const auto last = static_cast<int32_t>(schedule_.stage_to_rank.size()) - 1;
    if (action.kind == ActionKind::Forward && action.stage > 0) {
      return &activations_[index(action)];
    }
    return makes_input_gradient(action.kind) && action.stage < last
               ? &gradients_[index(action)]
               : nullptr;
  }

  void advance(size_t rank, std::vector<size_t>& queue) {
    const auto& program = schedule_.ranks[rank];
    RankState& state = ranks_[rank];
    while (state.next < program.size()) {
      const size_t end = pair_end(program, state.next);
      if (!run_group(rank, state.next, end, queue)) {
        return;
      }
      state.next = end;
    }
  }

  // Runs one action or an overlapped pair. Returns false if an input has not
  // arrived.
  bool run_group(
      size_t rank, size_t first, size_t end, std::vector<size_t>& queue) {
    const auto& program = schedule_.ranks[rank];
    RankState& state = ranks_[rank];
    double begin = state.now;
    Ref cause{
        static_cast<int32_t>(rank),
        static_cast<int64_t>(state.causes.size()) - 1};
    for (size_t i = first; i < end; ++i) {
      const Arrival* needed = input(program[i]);
      if (needed != nullptr && needed->time < 0) {
        return false;
      }
      if (needed != nullptr && needed->time > begin) {
        begin = needed->time;
        cause = needed->source;
      }
    }
    if (!is_compute(program[first].kind)) {
      send(rank, program[first], state.now, queue);
      return true;
    }
    const double saved = saved_by_overlap(program, first, end);
    for (size_t i = first; i < end; ++i) {
      // The second action of a pair begins while the first runs.
      begin -= i > first ? saved : 0;
      const double stop = begin + duration(program[i]);
      timeline_.ranks[rank].actions.push_back({program[i], begin, stop});
      state.causes.push_back(cause);
      cause = {
          static_cast<int32_t>(rank),
          static_cast<int64_t>(state.causes.size()) - 1};
      state.now = std::max(state.now, stop);
      begin = stop;
    }
    for (size_t i = first; i < end; ++i) {
      produce(rank, program[i], cause, queue);
    }
    return true;
  }

  double saved_by_overlap(
      const std::vector<Action>& program, size_t first, size_t end) const {
    return end - first != 2
               ? 0
               : costs_.overlap * std::min(
                                      duration(program[first]),
                                      duration(program[first + 1]));
  }

  // Hands a result to the neighbouring stage: at once on the same rank, else by
  // a message, unless the schedule itself says when it is sent.
  void produce(
      size_t rank,
      const Action& action,
      const Ref& source,
      std::vector<size_t>& queue) {
    const bool is_forward = action.kind == ActionKind::Forward;
    if (action.kind == ActionKind::BackwardWeight) {
      return;
    }
    const int32_t target = action.stage + (is_forward ? 1 : -1);
    const auto num_stages =
        static_cast<int32_t>(schedule_.stage_to_rank.size());
    if (target < 0 || target == num_stages) {
      return;
    }
    produced_[2 * index(action) + (is_forward ? 0 : 1)] = source;
    const bool is_local =
        schedule_.stage_to_rank[target] == static_cast<int32_t>(rank);
    const double now = ranks_[rank].now;
    if (is_local) {
      arrive({target, action.microbatch, action.kind}, is_forward, now, source);
    } else if (!has_sends_) {
      const auto kind =
          is_forward ? ActionKind::SendForward : ActionKind::SendBackward;
      send(rank, {action.stage, action.microbatch, kind}, now, queue);
    }
  }

  void arrive(
      const Action& action, bool is_forward, double time, const Ref& source) {
    (is_forward ? activations_ : gradients_)[index(action)] = {time, source};
  }

  void send(
      size_t rank,
      const Action& action,
      double now,
      std::vector<size_t>& queue) {
    const bool is_forward = action.kind == ActionKind::SendForward;
    if (!is_forward && action.kind != ActionKind::SendBackward) {
      return;
    }
    const int32_t target = action.stage + (is_forward ? 1 : -1);
    const int32_t to = schedule_.stage_to_rank[target];
    double& link = links_[{static_cast<int32_t>(rank), to}];
    const StageCost& cost = cost_of(action);
    const int64_t bytes = is_forward ? cost.output_bytes : cost.gradient_bytes;
    const double begin = std::max(now, link);
    link = begin + (costs_.bytes_per_time > 0
                        ? static_cast<double>(bytes) / costs_.bytes_per_time
                        : 0);
    const double there = link + costs_.latency;
    timeline_.transfers.push_back(
        {action, static_cast<int32_t>(rank), to, begin, there});
    arrive(
        {target, action.microbatch, action.kind},
        is_forward,
        there,
        produced_[2 * index(action) + (is_forward ? 0 : 1)]);
    queue.push_back(static_cast<size_t>(to));
  }

  void finish() {
    double busy = 0;
    for (const RankTimeline& rank : timeline_.ranks) {
      for (const TimedAction& timed : rank.actions) {
        timeline_.makespan = std::max(timeline_.makespan, timed.end);
      }
    }
    std::vector<int> stages_of(timeline_.ranks.size(), 0);
    for (const int32_t rank : schedule_.stage_to_rank) {
      ++stages_of[rank];
    }
    for (size_t i = 0; i < timeline_.ranks.size(); ++i) {
      RankTimeline& rank = timeline_.ranks[i];
      rank.busy = busy_time(rank.actions);
      busy += rank.busy;
      rank.bubble = share_idle(rank.busy, timeline_.makespan);
      const PeakLive peak = peak_live(schedule_.ranks[i], costs_);
      rank.peak_live = peak.activations;
      rank.peak_bytes = peak.bytes;
      rank.peak_microbatches =
          static_cast<double>(peak.activations) / std::max(1, stages_of[i]);
    }
    timeline_.bubble = share_idle(
        busy, timeline_.makespan * static_cast<double>(ranks_.size()));
    trace_critical_path();
  }

  // Counts overlapped time once.
  static double busy_time(const std::vector<TimedAction>& actions) {
    double busy = 0;
    double until = 0;
    for (const TimedAction& timed : actions) {
      busy += std::max(0.0, timed.end - std::max(timed.begin, until));
      until = std::max(until, timed.end);
    }
    return busy;
  }

  static double share_idle(double busy, double total) {
    return total > 0 ? 1 - busy / total : 0;
  }

  void trace_critical_path() {
    Ref at;
    for (size_t i = 0; i < timeline_.ranks.size(); ++i) {
      const auto& actions = timeline_.ranks[i].actions;
      for (size_t j = 0; j < actions.size(); ++j) {
        if (actions[j].end == timeline_.makespan && at.rank < 0) {
          at = {static_cast<int32_t>(i), static_cast<int64_t>(j)};
        }
      }
    }
    while (at.rank >= 0 && at.index >= 0) {
      const auto index = static_cast<size_t>(at.index);
      timeline_.critical_path.push_back(
          {at.rank, timeline_.ranks[at.rank].actions[index]});
      at = ranks_[at.rank].causes[index];
    }
    std::ranges::reverse(timeline_.critical_path);
  }

  const Schedule& schedule_;
  const CostTable& costs_;
  bool has_sends_;
  size_t num_microbatches_;
  std::vector<Arrival> activations_;  // by stage and microbatch
  std::vector<Arrival> gradients_;
  std::vector<Ref> produced_;  // by stage, microbatch and direction
  std::vector<RankState> ranks_;
  std::map<std::pair<int32_t, int32_t>, double> links_;  // when each is free
  Timeline timeline_;
};

}  // namespace

Timeline simulate(const Schedule& schedule, const CostTable& costs) {
  return Simulator(schedule, costs).run();
}

}  // namespace pp
