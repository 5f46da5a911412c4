#pragma once

#include "runtime/schedule/schedule.h"

namespace pp {

// The parts of validate(), in its order. All throw Error(Usage) and name the
// rank, the action and its position in the rank's list, counted from 0.

/// The kinds of action that appear, one bit each.
using KindSet = uint16_t;
static_assert(kNumActionKinds <= 16);

constexpr KindSet bit(ActionKind kind) {
  return static_cast<KindSet>(1U << static_cast<unsigned>(kind));
}

/// Every stage has a rank that exists; every action's stage is on its rank.
/// Returns what it met on the way, which spares another look at every action.
KindSet check_placement(const Schedule& schedule);

/// Every action once, in an order that its own rank allows: F before B or I,
/// I before W, what is sent is made before, what is used is received before.
void check_actions(
    const Schedule& schedule,
    int num_microbatches,
    bool training,
    KindSet kinds);

/// For each ordered pair of ranks, sends and receives list the same messages
/// in the same order: messages have no names on the wire.
void check_message_order(const Schedule& schedule);

}  // namespace pp
