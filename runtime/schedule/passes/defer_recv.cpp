#include <vector>

#include "runtime/schedule/lower.h"

namespace pp {
namespace {

// Receives that were removed from the list and not yet put back, oldest first.
class Deferred {
 public:
  explicit Deferred(std::vector<Action>& out) : out_(out) {}

  void add(const Action& recv) { waiting_.push_back(recv); }

  void flush() { flush_first(waiting_.size()); }

  // Puts back everything up to the receive that feeds a compute action.
  void flush_up_to_input(const Action& compute) {
    const Action input = {
        compute.stage,
        compute.microbatch,
        compute.kind == ActionKind::Forward ? ActionKind::RecvForward
                                            : ActionKind::RecvBackward};
    for (size_t i = 0; i < waiting_.size(); ++i) {
      if (waiting_[i] == input) {
        flush_first(i + 1);
        return;
      }
    }
  }

 private:
  void flush_first(size_t count) {
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    out_.insert(out_.end(), waiting_.begin(), end);
    waiting_.erase(waiting_.begin(), end);
  }

  std::vector<Action>& out_;
  std::vector<Action> waiting_;
};

std::vector<Action> with_deferred(const std::vector<Action>& program) {
  std::vector<Action> out;
  out.reserve(program.size());
  Deferred deferred(out);
  size_t pair_begin = 0;
  for (size_t i = 0; i < program.size(); ++i) {
    const Action& action = program[i];
    if (is_recv(action.kind)) {
      deferred.add(action);
      continue;
    }
    if (is_send(action.kind)) {
      deferred.flush();
    }
    if (i < pair_begin) {
      out.push_back(action);
      continue;
    }
    // Both actions of a pair need their inputs before the first begins.
    pair_begin = i;
    do {
      deferred.flush_up_to_input(program[pair_begin]);
    } while (program[pair_begin++].overlaps_next &&
             pair_begin < program.size());
    out.push_back(action);
  }
  deferred.flush();
  return out;
}

}  // namespace

// Why this can't hang: each rank still lists its messages, sent and received,
// in the old order; the only change is that compute actions come before
// receives that they came after. Such an action needs none of the receives it
// passes, since its input's receive, and every earlier one, is listed before
// it. So a run in the old order of messages is still possible.
Schedule defer_recv(Schedule schedule) {
  for (auto& program : schedule.ranks) {
    program = with_deferred(program);
  }
  return schedule;
}

}  // namespace pp
