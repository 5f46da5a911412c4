#include "runtime/schedule/progress.h"

#include <algorithm>

#include "loader/core/error.h"
#include "runtime/schedule/work_table.h"

namespace pp {
namespace {

bool has_messages(const Schedule& schedule) {
  for (const auto& program : schedule.ranks) {
    for (const Action& action : program) {
      if (action.kind >= ActionKind::SendForward &&
          action.kind <= ActionKind::RecvBackward) {
        return true;
      }
    }
  }
  return false;
}

// The bit that records an action as done for its stage and microbatch.
uint8_t done_bit(ActionKind kind) {
  switch (kind) {
    case ActionKind::Forward:
      return 1;
    case ActionKind::FullBackward:
    case ActionKind::BackwardInput:
      return 2;
    case ActionKind::SendForward:
      return 4;
    case ActionKind::RecvForward:
      return 8;
    case ActionKind::SendBackward:
      return 16;
    case ActionKind::RecvBackward:
      return 32;
    default:
      return 0;
  }
}

// Runs each rank until it needs something that another has not done yet.
// Nothing is undone, so the order in which ranks are tried doesn't matter.
class Progress {
 public:
  Progress(const Schedule& schedule, int num_microbatches, Sends sends)
      : schedule_(schedule),
        sends_(sends),
        has_messages_(has_messages(schedule)),
        done_(schedule.stage_to_rank.size(), num_microbatches),
        above_is_remote_(schedule.stage_to_rank.size() + 1, 0),
        next_(schedule.ranks.size(), 0),
        awaited_(schedule.ranks.size()) {
    for (size_t stage = 1; stage < schedule.stage_to_rank.size(); ++stage) {
      above_is_remote_[stage] =
          has_messages_ && schedule.stage_to_rank[stage - 1] !=
                               schedule.stage_to_rank[stage]
              ? 1
              : 0;
    }
    for (size_t rank = schedule.ranks.size(); rank > 0; --rank) {
      queue_.push_back(rank - 1);
    }
  }

  std::optional<std::vector<Wait>> run() {
    while (!queue_.empty()) {
      const size_t rank = queue_.back();
      queue_.pop_back();
      advance(rank);
    }
    for (size_t rank = 0; rank < next_.size(); ++rank) {
      if (next_[rank] < schedule_.ranks[rank].size()) {
        return cycle_from(rank);
      }
    }
    return std::nullopt;
  }

 private:
  int32_t num_stages() const {
    return static_cast<int32_t>(schedule_.stage_to_rank.size());
  }
  size_t rank_of(int32_t stage) const {
    return static_cast<size_t>(schedule_.stage_to_rank[stage]);
  }
  bool is_done(const Action& action) {
    return (done_.at(action.stage, action.microbatch) &
            done_bit(action.kind)) != 0;
  }

  // The action another stage must do before this one, if any.
  std::optional<Action> needed(const Action& action) const {
    const int32_t mb = action.microbatch;
    const int32_t above = action.stage - 1;
    const int32_t below = action.stage + 1;
    switch (action.kind) {
      case ActionKind::Forward:
        if (above < 0) {
          return std::nullopt;
        }
        return Action{
            above,
            mb,
            above_is_remote_[action.stage] != 0 ? ActionKind::SendForward
                                                : ActionKind::Forward};
      case ActionKind::FullBackward:
      case ActionKind::BackwardInput:
        if (below == num_stages()) {
          return std::nullopt;
        }
        return Action{
            below,
            mb,
            above_is_remote_[below] != 0 ? ActionKind::SendBackward
                                         : action.kind};
      case ActionKind::SendForward:
        if (sends_ == Sends::Buffered || below == num_stages()) {
          return std::nullopt;
        }
        return Action{below, mb, ActionKind::RecvForward};
      case ActionKind::SendBackward:
        if (sends_ == Sends::Buffered || above < 0) {
          return std::nullopt;
        }
        return Action{above, mb, ActionKind::RecvBackward};
      default:
        return std::nullopt;
    }
  }

  std::optional<Action> missing(const Action& action) {
    const auto need = needed(action);
    return need && !is_done(*need) ? need : std::nullopt;
  }

  // Whether the rank's next action, or pair of actions, can be done. If not,
  // notes what it waits for.
  bool is_ready(size_t rank, const std::vector<Action>& program, size_t at) {
    do {
      if (const auto need = missing(program[at])) {
        awaited_[rank] = *need;
        return false;
      }
    } while (program[at].overlaps_next && ++at < program.size());
    return true;
  }

  void advance(size_t rank) {
    const auto& program = schedule_.ranks[rank];
    size_t at = next_[rank];
    while (at < program.size() && is_ready(rank, program, at)) {
      bool in_pair = true;
      while (in_pair && at < program.size()) {
        finish(program[at]);
        in_pair = program[at].overlaps_next;
        ++at;
      }
    }
    next_[rank] = at;
  }

  // Records the action, and queues the rank that stopped for it, if one did.
  void finish(const Action& action) {
    const uint8_t bit = done_bit(action.kind);
    if (bit == 0) {
      return;
    }
    done_.at(action.stage, action.microbatch) |= bit;
    const bool is_for_next_stage = action.kind == ActionKind::Forward ||
                                   action.kind == ActionKind::SendForward ||
                                   action.kind == ActionKind::RecvBackward;
    const int32_t stage = action.stage + (is_for_next_stage ? 1 : -1);
    if (stage < 0 || stage == num_stages()) {
      return;
    }
    const size_t waiter = rank_of(stage);
    Action& awaited = awaited_[waiter];
    if (awaited.stage == action.stage &&
        awaited.microbatch == action.microbatch &&
        done_bit(awaited.kind) == bit) {
      awaited.microbatch = kNoMicrobatch;
      queue_.push_back(waiter);
    }
  }

  Wait wait_of(size_t rank) {
    const auto& program = schedule_.ranks[rank];
    size_t at = next_[rank];
    while (!missing(program[at])) {
      ++at;  // the other action of the pair waits
    }
    return {
        static_cast<int32_t>(rank),
        program[at],
        awaited_[rank],
        schedule_.stage_to_rank[awaited_[rank].stage]};
  }

  std::vector<Wait> cycle_from(size_t rank) {
    std::vector<Wait> chain;
    while (next_[rank] < schedule_.ranks[rank].size()) {
      const auto start =
          std::ranges::find(chain, static_cast<int32_t>(rank), &Wait::rank);
      if (start != chain.end()) {
        chain.erase(chain.begin(), start);
        break;
      }
      const Wait wait = wait_of(rank);
      chain.push_back(wait);
      rank = static_cast<size_t>(wait.on_rank);
    }
    return chain;
  }

  const Schedule& schedule_;
  Sends sends_;
  bool has_messages_;
  WorkTable done_;
  std::vector<uint8_t> above_is_remote_;  // by stage: a message crosses
  std::vector<size_t> next_;              // by rank
  std::vector<Action> awaited_;           // by rank: what it waits for
  std::vector<size_t> queue_;
};

}  // namespace

std::optional<std::vector<Wait>> find_deadlock(
    const Schedule& schedule, int num_microbatches, Sends sends) {
  return Progress(schedule, num_microbatches, sends).run();
}

std::string to_string(const std::vector<Wait>& waits) {
  std::string text;
  for (const Wait& wait : waits) {
    text += (text.empty() ? "rank " : "; rank ") + std::to_string(wait.rank) +
            " is stuck at " + to_string(wait.at) + " and waits for " +
            to_string(wait.needs) + " of rank " + std::to_string(wait.on_rank);
  }
  if (!waits.empty() && waits.back().on_rank != waits.front().rank) {
    text += ", which ends without it";
  }
  return text;
}

}  // namespace pp
