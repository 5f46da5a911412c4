#include <algorithm>
#include <array>
#include <bit>

#include "loader/core/error.h"
#include "runtime/schedule/lower.h"
#include "runtime/schedule/progress.h"
#include "runtime/schedule/work_table.h"

namespace pp {
namespace {

// A set of ranks that is read in ascending order while it grows.
class RankSet {
 public:
  explicit RankSet(size_t num_ranks) : words_((num_ranks + 63) / 64, 0) {}

  void insert(size_t rank) { words_[rank / 64] |= uint64_t{1} << (rank % 64); }

  // Removes and returns the smallest rank that is at least `from`; -1: none.
  int64_t take(size_t from) {
    for (size_t i = from / 64; i < words_.size(); ++i) {
      const uint64_t mask =
          i == from / 64 ? ~uint64_t{0} << (from % 64) : ~uint64_t{0};
      const uint64_t found = words_[i] & mask;
      if (found != 0) {
        words_[i] &= ~(found & (~found + 1));
        return static_cast<int64_t>(i * 64) + std::countr_zero(found);
      }
    }
    return -1;
  }

 private:
  std::vector<uint64_t> words_;
};

// Reads the lists of all ranks in turns. For the same reason as in Lists, the
// next actions of all ranks are kept side by side.
class Heads {
 public:
  explicit Heads(const std::vector<std::vector<Action>>& lists)
      : lists_(lists), heads_(lists.size()) {}

  const Action& at(size_t rank, size_t index) {
    Head& head = heads_[rank];
    if (index >= head.end) {
      const auto& list = lists_[rank];
      const size_t size = std::min(kHead, list.size() - index);
      const auto from = list.begin() + static_cast<std::ptrdiff_t>(index);
      std::copy_n(from, size, head.actions.begin());
      head.begin = index;
      head.end = index + size;
    }
    return head.actions[index - head.begin];
  }

 private:
  static constexpr size_t kHead = 16;
  struct Head {
    std::array<Action, kHead> actions;
    size_t begin = 0;
    size_t end = 0;
  };

  const std::vector<std::vector<Action>>& lists_;
  std::vector<Head> heads_;
};

// Appends to the lists of all ranks in turns. The lists are so far apart in
// memory that their ends would evict each other from the cache, so the newest
// actions of all ranks are kept side by side.
class Lists {
 public:
  explicit Lists(const std::vector<std::vector<Action>>& compute)
      : ends_(compute.size()), lists_(compute.size()) {
    // An action has at most one send and one receive, and each send will get a
    // wait. With room for all of them the list is never copied.
    for (size_t rank = 0; rank < compute.size(); ++rank) {
      lists_[rank].reserve(4 * compute[rank].size());
    }
  }

  void add(size_t rank, const Action& action) {
    End& end = ends_[rank];
    end.actions[end.size++] = action;
    if (end.size == kEnd) {
      flush(rank);
    }
  }

  std::vector<std::vector<Action>> take() {
    for (size_t rank = 0; rank < lists_.size(); ++rank) {
      flush(rank);
    }
    return std::move(lists_);
  }

 private:
  static constexpr size_t kEnd = 64;
  struct End {
    std::array<Action, kEnd> actions;
    size_t size = 0;
  };

  void flush(size_t rank) {
    End& end = ends_[rank];
    lists_[rank].insert(
        lists_[rank].end(),
        end.actions.begin(),
        end.actions.begin() + static_cast<std::ptrdiff_t>(end.size));
    end.size = 0;
  }

  std::vector<End> ends_;
  std::vector<std::vector<Action>> lists_;
};

// Runs the schedule in rounds: in each, every rank that can does one action. A
// message is listed on both ranks at the moment its sender makes it. So the
// lists of all ranks agree with one order of all messages, and following them
// can't hang even if a send waits for its receiver.
class Placer {
 public:
  explicit Placer(const Schedule& schedule)
      : in_(schedule),
        num_stages_(static_cast<int32_t>(schedule.stage_to_rank.size())),
        arrived_(schedule.stage_to_rank.size(), num_microbatches(schedule)),
        next_(schedule.ranks.size(), 0),
        heads_(schedule.ranks),
        out_(schedule.ranks),
        now_(schedule.ranks.size()),
        later_(schedule.ranks.size()) {
    for (const auto& program : schedule.ranks) {
      sizes_.push_back(program.size());
    }
  }

  // Returns whether all ranks reached the end of their lists.
  bool run() {
    for (size_t rank = 0; rank < in_.ranks.size(); ++rank) {
      later_.insert(rank);
    }
    int64_t rank = -1;
    while (true) {
      std::swap(now_, later_);
      rank = now_.take(0);
      if (rank < 0) {
        break;
      }
      for (; rank >= 0; rank = now_.take(static_cast<size_t>(rank))) {
        step(static_cast<size_t>(rank));
      }
    }
    for (size_t i = 0; i < next_.size(); ++i) {
      if (next_[i] < in_.ranks[i].size()) {
        return false;
      }
    }
    return true;
  }

  std::vector<std::vector<Action>> take_result() { return out_.take(); }

 private:
  static constexpr uint8_t kActivation = 1;
  static constexpr uint8_t kGradient = 2;

  bool is_ready(const Action& action) {
    switch (action.kind) {
      case ActionKind::Forward:
        return action.stage == 0 ||
               (arrived_.at(action.stage, action.microbatch) & kActivation) !=
                   0;
      case ActionKind::FullBackward:
      case ActionKind::BackwardInput:
        return action.stage == num_stages_ - 1 ||
               (arrived_.at(action.stage, action.microbatch) & kGradient) != 0;
      default:
        return true;
    }
  }

  // Does the next action of a rank if it is possible. A pair counts as one.
  void step(size_t rank) {
    const size_t first = next_[rank];
    if (first == sizes_[rank]) {
      return;
    }
    const Action action = heads_.at(rank, first);
    if (action.overlaps_next) {
      step_pair(rank, first);
    } else if (is_ready(action)) {
      out_.add(rank, action);
      hand_over(rank, action);
      next_[rank] = first + 1;
      later_.insert(rank);
    }
    // Otherwise the rank that sends the missing value adds this rank again.
  }

  void step_pair(size_t rank, size_t first) {
    const auto& program = in_.ranks[rank];
    const size_t end = pair_end(program, first);
    for (size_t i = first; i < end; ++i) {
      if (!is_ready(program[i])) {
        return;
      }
    }
    for (size_t i = first; i < end; ++i) {
      out_.add(rank, program[i]);
    }
    for (size_t i = first; i < end; ++i) {
      hand_over(rank, program[i]);
    }
    next_[rank] = end;
    later_.insert(rank);
  }

  void hand_over(size_t rank, const Action& action) {
    const int32_t mb = action.microbatch;
    if (action.kind == ActionKind::Forward) {
      if (action.stage + 1 < num_stages_) {
        arrived_.at(action.stage + 1, mb) |= kActivation;
        send(rank, {action.stage, mb, ActionKind::SendForward});
      }
    } else if (makes_input_gradient(action.kind)) {
      if (action.stage > 0) {
        arrived_.at(action.stage - 1, mb) |= kGradient;
        send(rank, {action.stage, mb, ActionKind::SendBackward});
      }
    }
  }

  void send(size_t rank, const Action& send) {
    const Action recv = recv_of(send);
    const auto peer = static_cast<size_t>(in_.stage_to_rank[recv.stage]);
    if (peer == rank) {
      return;
    }
    out_.add(rank, send);
    out_.add(peer, recv);
    (peer > rank ? now_ : later_).insert(peer);
  }

  const Schedule& in_;
  int32_t num_stages_;
  WorkTable arrived_;
  std::vector<size_t> next_;   // by rank
  std::vector<size_t> sizes_;  // by rank
  Heads heads_;
  Lists out_;
  RankSet now_;
  RankSet later_;
};

}  // namespace

Schedule add_send_recv(Schedule schedule) {
  for (const auto& program : schedule.ranks) {
    for (const Action& action : program) {
      if (action.kind >= ActionKind::SendForward &&
          action.kind <= ActionKind::WaitSendBackward) {
        throw usage_error(
            "the schedule already has messages (" + to_string(action) +
            "); sends and receives can only be added to compute actions");
      }
    }
  }
  Placer placer(schedule);
  if (!placer.run()) {
    const auto deadlock =
        find_deadlock(schedule, num_microbatches(schedule), Sends::Buffered);
    check(deadlock.has_value(), "a stuck schedule must have a deadlock");
    throw usage_error(
        "the schedule can't be executed: " + to_string(*deadlock));
  }
  schedule.ranks = placer.take_result();
  return schedule;
}

}  // namespace pp
