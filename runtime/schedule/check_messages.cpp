#include <algorithm>
#include <utility>

#include "loader/core/error.h"
#include "runtime/schedule/check_actions.h"

namespace pp {
namespace {

using RankPair = std::pair<int32_t, int32_t>;

// Walks one rank's list and stops at each message to or from one other rank.
class MessageCursor {
 public:
  MessageCursor(
      const Schedule& schedule,
      int32_t rank,
      int32_t peer,
      ActionKind forward,
      ActionKind backward)
      : schedule_(schedule),
        program_(schedule.ranks[rank]),
        peer_(peer),
        forward_(forward),
        backward_(backward) {}

  const Action* next() {
    while (at_ < program_.size()) {
      const Action& action = program_[at_++];
      if (other_end(action) == peer_) {
        return &action;
      }
    }
    return nullptr;
  }

  size_t position() const { return at_ - 1; }

 private:
  // The rank at the other end of a message; -1 if the action is not a message
  // of this cursor's direction.
  int32_t other_end(const Action& action) const {
    if (action.kind != forward_ && action.kind != backward_) {
      return -1;
    }
    const bool down = action.kind == ActionKind::SendForward ||
                      action.kind == ActionKind::RecvBackward;
    return schedule_.stage_to_rank[action.stage + (down ? 1 : -1)];
  }

  const Schedule& schedule_;
  const std::vector<Action>& program_;
  int32_t peer_;
  ActionKind forward_;
  ActionKind backward_;
  size_t at_ = 0;
};

// Pairs of ranks with neighbouring stages, the smaller rank first.
std::vector<RankPair> neighbours(const StageMap& map) {
  std::vector<RankPair> pairs;
  for (size_t stage = 1; stage < map.size(); ++stage) {
    if (map[stage - 1] != map[stage]) {
      pairs.emplace_back(std::minmax(map[stage - 1], map[stage]));
    }
  }
  std::ranges::sort(pairs);
  const auto repeated = std::ranges::unique(pairs);
  pairs.erase(repeated.begin(), repeated.end());
  return pairs;
}

// The messages from one rank to another, as both ends list them.
class Channel {
 public:
  Channel(const Schedule& schedule, int32_t from, int32_t to)
      : from_(from),
        to_(to),
        sends_(
            schedule,
            from,
            to,
            ActionKind::SendForward,
            ActionKind::SendBackward),
        recvs_(
            schedule,
            to,
            from,
            ActionKind::RecvForward,
            ActionKind::RecvBackward) {}

  // Checks the next message; returns false at the end.
  bool check_next() {
    const Action* send = sends_.next();
    const Action* recv = recvs_.next();
    if (send == nullptr && recv == nullptr) {
      return false;
    }
    // check_actions() has found both ends of each message, so both lists end
    // together.
    check(
        send != nullptr && recv != nullptr,
        "there must be as many sends as receives");
    if (recv_of(*send) != *recv) {
      throw usage_error(
          "rank " + std::to_string(from_) + " sends " + to_string(*send) +
          " at position " + std::to_string(sends_.position()) + ", but rank " +
          std::to_string(to_) + " receives " + to_string(*recv) +
          " from it next, at position " + std::to_string(recvs_.position()) +
          "; two ranks must list their messages in the same order");
    }
    return true;
  }

 private:
  int32_t from_;
  int32_t to_;
  MessageCursor sends_;
  MessageCursor recvs_;
};

// Checks both directions together, so that long lists are read only once.
void check_pair(const Schedule& schedule, const RankPair& pair) {
  Channel down(schedule, pair.first, pair.second);
  Channel up(schedule, pair.second, pair.first);
  bool more = true;
  while (more) {
    const bool more_down = down.check_next();
    more = up.check_next() || more_down;
  }
}

}  // namespace

void check_message_order(const Schedule& schedule) {
  for (const RankPair& pair : neighbours(schedule.stage_to_rank)) {
    check_pair(schedule, pair);
  }
}

}  // namespace pp
