#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

// The lowering passes. Each pass takes a schedule that is valid for its number
// of microbatches and returns a valid schedule.

/// Adds a send and its receive wherever a value crosses from one rank to
/// another. The sender's position determines where both are placed, so that two
/// ranks list their common messages in the same order. Neighbouring stages on
/// one rank get no messages.
/// throws  Error(Usage): the order can't be executed; the message says which
///         ranks wait for what
Schedule add_send_recv(Schedule schedule);

/// Adds a wait for every send. Waits come late, so that they don't stall, but
/// before too many sends of a stage are in flight.
Schedule add_wait_send(Schedule schedule);

/// When a rank waits for the gradients of a stage to be reduced.
enum class ReduceWait {
  Now,       ///< immediately
  Deferred,  ///< before the next reduction, or at the end
};

/// Adds REDUCE_GRAD after the last backward of each stage, and its
/// WAIT_REDUCE_GRAD. A rank has at most one reduction in flight.
Schedule add_reduce_grad(Schedule schedule, ReduceWait wait = ReduceWait::Now);

/// Moves each receive down to the first action that needs it, past compute
/// actions that would compete with it, but never past a send or another
/// receive.
Schedule defer_recv(Schedule schedule);

/// Moves waits up so that no rank has more than `max_in_flight` sends in
/// flight.
/// throws  Error(Usage): max_in_flight is less than 1
Schedule limit_sends(Schedule schedule, int max_in_flight);

/// Where an I is directly followed by the W of the same stage and microbatch,
/// replaces the two by one B, which costs less.
Schedule merge_backward(Schedule schedule);

/// Adds UNSHARD before a stage's parameters are needed, and RESHARD when other
/// stages need the memory. At most `max_unsharded` stages of a rank are
/// unsharded at a time, or one more where an overlapped pair begins.
/// throws  Error(Usage): max_unsharded is less than 2, which an overlapped pair
///         needs
Schedule add_unshard(Schedule schedule, int max_unsharded = 3);

/// Applies the passes that every schedule needs before the executor can run it:
/// add_reduce_grad, add_send_recv and add_wait_send.
Schedule lower(Schedule compute);

}  // namespace pp
