#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

/// Adds a send and its receive for every value border between two ranks, each
/// pair placed by its sender, so that two ranks list their common messages in
/// one order. Neighbouring stages on one rank get none.
/// throws Error(Usage): the order can't be executed; says who waits for what
Schedule add_send_recv(Schedule schedule);

/// Adds a wait for every send, late enough not to stall, before its memory is
/// needed again.
Schedule add_wait_send(Schedule schedule);

/// Adds REDUCE_GRAD after the last backward of each stage.
Schedule add_reduce_grad(Schedule schedule);

/// All passes in their order: what the executor runs.
Schedule lower(Schedule compute);

}  // namespace pp
