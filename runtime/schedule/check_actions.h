#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

// The parts of validate(), in the order in which validate() calls them. All
// throw Error(Usage) with the rank, the action, and the action's position in
// the rank's list, counted from 0.

/// A set of kinds of action, with one bit per kind.
using KindSet = uint16_t;
static_assert(kNumActionKinds <= 16);

constexpr KindSet bit(ActionKind kind) {
  return static_cast<KindSet>(1U << static_cast<unsigned>(kind));
}

/// Checks that the rank of every stage exists and that every rank lists only
/// actions of its own stages. Returns the kinds that occur in the schedule,
/// which saves another pass over all actions.
KindSet check_placement(const Schedule& schedule);

/// Checks that every action occurs once, and in an order that is possible on
/// its own rank: F before B or I, I before W, and each value is made before it
/// is sent, and received before it is used.
void check_actions(
    const Schedule& schedule,
    int num_microbatches,
    bool training,
    KindSet kinds);

/// Checks for each ordered pair of ranks that sends and receives list the same
/// messages in the same order, because messages have no names on the wire.
void check_message_order(const Schedule& schedule);

}  // namespace pp
