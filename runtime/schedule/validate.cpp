#include "runtime/schedule/validate.h"

#include "loader/core/error.h"
#include "runtime/schedule/check_actions.h"
#include "runtime/schedule/progress.h"

namespace pp {

void validate(const Schedule& schedule, int num_microbatches, bool training) {
  const KindSet kinds = check_placement(schedule);
  check_actions(schedule, num_microbatches, training, kinds);
  check_message_order(schedule);
  // A schedule that runs when sends wait also runs when they don't. The second
  // search is only for the message.
  const auto waits =
      find_deadlock(schedule, num_microbatches, Sends::Rendezvous);
  if (!waits) {
    return;
  }
  if (const auto always =
          find_deadlock(schedule, num_microbatches, Sends::Buffered)) {
    throw usage_error("the schedule deadlocks: " + to_string(*always));
  }
  throw usage_error(
      "the schedule deadlocks if sends wait for their receivers: " +
      to_string(*waits));
}

}  // namespace pp
