#include <algorithm>
#include <deque>

#include "runtime/schedule/lower.h"

namespace pp {
namespace {

// Number of sends of one stage in one direction that may be in flight before
// the oldest is waited for. With two, one is being read while the next is made.
constexpr size_t kSendsInFlight = 2;

// Places the waits. A send of an activation is waited for after the backward of
// the same microbatch: by then the receiver has used it, so the wait can't
// stall, and its memory is needed until then anyway. Other sends (gradients,
// and activations without a backward) keep memory that nothing else needs, so
// only a few may be in flight.
class Waiter {
 public:
  explicit Waiter(size_t num_stages)
      : row_of_(num_stages, -1), in_flight_(2 * num_stages) {}

  // Works in place: the list has room for its waits already, and touching new
  // memory would cost more than the copy.
  void add(std::vector<Action>& out) {
    make_room(out);
    for (const Action& action : out) {
      if (makes_input_gradient(action.kind)) {
        state(action) = kHasBackward;
      }
    }
    before_.assign(out.begin(), out.end());
    out.clear();
    for (const Action& action : before_) {
      if (is_send(action.kind)) {
        add_send(out, action);
        continue;
      }
      out.push_back(action);
      if (action.overlaps_next) {
        pair_.push_back(action);
        continue;
      }
      for (const Action& member : pair_) {
        retire(out, member);
      }
      pair_.clear();
      retire(out, action);
    }
    for (const Action& send : first_sends_) {
      flush(out, send);
    }
    first_sends_.clear();
  }

 private:
  static constexpr uint8_t kHasBackward = 1;
  static constexpr uint8_t kSent = 2;

  // Gives each stage of this rank a row of the table.
  void make_room(const std::vector<Action>& program) {
    std::ranges::fill(row_of_, -1);
    int32_t num_rows = 0;
    int32_t last = kNoMicrobatch;
    for (const Action& action : program) {
      last = std::max(last, action.microbatch);
      int32_t& row = row_of_[action.stage];
      row = row < 0 ? num_rows++ : row;
    }
    num_microbatches_ = static_cast<size_t>(last) + 1;
    state_.assign(static_cast<size_t>(num_rows) * num_microbatches_, 0);
  }

  uint8_t& state(const Action& action) {
    return state_
        [static_cast<size_t>(row_of_[action.stage]) * num_microbatches_ +
         static_cast<size_t>(action.microbatch)];
  }
  std::deque<Action>& in_flight(const Action& send) {
    return in_flight_
        [2 * static_cast<size_t>(send.stage) +
         (send.kind == ActionKind::SendForward ? 0 : 1)];
  }

  void add_send(std::vector<Action>& out, const Action& send) {
    if (send.kind == ActionKind::SendForward && state(send) == kHasBackward) {
      state(send) |= kSent;
      out.push_back(send);
      return;
    }
    auto& queue = in_flight(send);
    if (queue.size() == kSendsInFlight) {
      out.push_back(wait_of(queue.front()));
      queue.pop_front();
    }
    if (queue.empty()) {
      first_sends_.push_back(send);
    }
    queue.push_back(send);
    out.push_back(send);
  }

  void retire(std::vector<Action>& out, const Action& action) {
    if (makes_input_gradient(action.kind) && (state(action) & kSent) != 0) {
      out.push_back(
          {action.stage, action.microbatch, ActionKind::WaitSendForward});
      state(action) = 0;
    }
  }

  void flush(std::vector<Action>& out, const Action& send) {
    auto& queue = in_flight(send);
    for (; !queue.empty(); queue.pop_front()) {
      out.push_back(wait_of(queue.front()));
    }
  }

  // Holds only the current rank's stages, so that it stays in the cache even
  // for thousands of stages.
  std::vector<int32_t> row_of_;  // by stage
  size_t num_microbatches_ = 0;
  std::vector<uint8_t> state_;                 // by row and microbatch
  std::vector<std::deque<Action>> in_flight_;  // by stage and direction
  std::vector<Action> before_;                 // the list without waits
  std::vector<Action> first_sends_;            // one per queue in use
  std::vector<Action> pair_;
};

}  // namespace

Schedule add_wait_send(Schedule schedule) {
  Waiter waiter(schedule.stage_to_rank.size());
  for (auto& program : schedule.ranks) {
    waiter.add(program);
  }
  return schedule;
}

}  // namespace pp
