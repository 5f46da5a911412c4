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

/// When a rank waits for the gradients of a stage to be reduced.
enum class ReduceWait {
  Now,       ///< at once
  Deferred,  ///< before the next reduction, or at the end
};

/// Adds REDUCE_GRAD after the last backward of each stage, and its
/// WAIT_REDUCE_GRAD. At most one reduction a rank is under way.
Schedule add_reduce_grad(Schedule schedule, ReduceWait wait = ReduceWait::Now);

/// Moves each receive down to the first action that needs it, past compute
/// that would compete with it, and never past a send or another receive.
Schedule defer_recv(Schedule schedule);

/// Moves waits up so that no rank has more sends under way.
/// throws Error(Usage): less than 1
Schedule limit_sends(Schedule schedule, int max_in_flight);

/// Joins each I with the W of the same stage and microbatch that follows it
/// directly to one B, which costs less than the two.
Schedule merge_backward(Schedule schedule);

/// Adds UNSHARD before a stage's parameters are needed and RESHARD when other
/// stages need the room. At most `max_unsharded` stages of a rank are
/// unsharded at a time, or one more where a pair begins.
/// throws Error(Usage): less than 2, the stages of a pair
Schedule add_unshard(Schedule schedule, int max_unsharded = 3);

/// add_reduce_grad, add_send_recv and add_wait_send: what the executor runs.
Schedule lower(Schedule compute);

}  // namespace pp
