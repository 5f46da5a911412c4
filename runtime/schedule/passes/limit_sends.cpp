#include <deque>

#include "loader/core/error.h"
#include "runtime/schedule/lower.h"

namespace pp {
namespace {

std::vector<Action> with_limit(
    const std::vector<Action>& program, size_t max_in_flight) {
  std::vector<Action> out;
  out.reserve(program.size());
  std::deque<Action> in_flight;  // waits of sends in flight, oldest first
  for (const Action& action : program) {
    if (is_send(action.kind)) {
      if (in_flight.size() == max_in_flight) {
        out.push_back(in_flight.front());
        in_flight.pop_front();
      }
      in_flight.push_back(wait_of(action));
    } else if (
        is_wait_send(action.kind) && std::erase(in_flight, action) == 0) {
      continue;  // its send was waited for already
    }
    out.push_back(action);
  }
  return out;
}

}  // namespace

Schedule limit_sends(Schedule schedule, int max_in_flight) {
  if (max_in_flight < 1) {
    throw usage_error(
        "a rank needs at least 1 send in flight, got " +
        std::to_string(max_in_flight));
  }
  for (auto& program : schedule.ranks) {
    program = with_limit(program, static_cast<size_t>(max_in_flight));
  }
  return schedule;
}

}  // namespace pp
