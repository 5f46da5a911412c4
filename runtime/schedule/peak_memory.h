#pragma once

#include <cstdint>
#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// The memory that a stage needs in addition to its weights, in bytes, for one
/// microbatch unless stated otherwise. "Work" is the peak while an action runs,
/// beyond what was allocated before the action, and includes what the action
/// leaves allocated.
struct StageMemory {
  int64_t kept = 0;             ///< kept from F to B or I, except the input
  int64_t kept_for_weight = 0;  ///< kept from I to W
  int64_t input = 0;            ///< F's inputs; kept until B or I
  int64_t output = 0;           ///< F's outputs, which are sent
  int64_t output_gradient = 0;  ///< gradient of F's outputs, for B or I
  int64_t input_gradient = 0;   ///< gradient of F's inputs, which is sent
  int64_t forward_work = 0;
  int64_t backward_work = 0;
  int64_t input_work = 0;   ///< work of I
  int64_t weight_work = 0;  ///< work of W
  /// Gradients of all parameters, from the first B or W on.
  int64_t gradients = 0;
};

/// The memory that a rank holds at one moment, in bytes.
struct HeldMemory {
  int64_t activations = 0;  ///< activations kept for backwards
  int64_t messages = 0;     ///< messages not used yet, or not sent yet
  int64_t gradients = 0;    ///< gradients of the parameters
  int64_t work = 0;         ///< work of the running action

  int64_t total() const { return activations + messages + gradients + work; }
};

/// When the sender stops holding a message's memory.
enum class SentMemory {
  HandedOver,  ///< after the send: the receiver gets the tensor itself
  Copied,      ///< after the wait for the send: the receiver has a copy
};

/// Returns the memory that a rank holds at the peak of its list of actions. It
/// depends only on the order of the actions.
///
/// schedule  a lowered schedule
/// stages    one entry for each stage of the whole schedule
HeldMemory peak_memory(
    const Schedule& schedule,
    int rank,
    const std::vector<StageMemory>& stages,
    SentMemory sent);

}  // namespace pp
