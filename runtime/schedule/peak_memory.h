#pragma once

#include <cstdint>
#include <vector>

#include "runtime/schedule/schedule.h"

namespace pp {

/// What a stage takes beside its weights, in bytes; of one microbatch unless
/// it says otherwise. "Work" is the most at once while an action runs, beyond
/// what is there before and including what it leaves.
struct StageMemory {
  int64_t kept = 0;             ///< from F to B or I, without the input
  int64_t kept_for_weight = 0;  ///< from I to W
  int64_t input = 0;            ///< what F takes; there until B or I
  int64_t output = 0;           ///< what F sends
  int64_t output_gradient = 0;  ///< what B or I takes
  int64_t input_gradient = 0;   ///< what B or I sends
  int64_t forward_work = 0;
  int64_t backward_work = 0;
  int64_t input_work = 0;   ///< of I
  int64_t weight_work = 0;  ///< of W
  int64_t gradients = 0;    ///< of all parameters, from the first B or W on
};

/// What a rank holds at one moment, in bytes.
struct HeldMemory {
  int64_t activations = 0;  ///< kept for backwards
  int64_t messages = 0;     ///< received or handed over, or not yet sent
  int64_t gradients = 0;    ///< of parameters
  int64_t work = 0;         ///< of the action that runs

  int64_t total() const { return activations + messages + gradients + work; }
};

/// When a message's memory is the sender's no more.
enum class SentMemory {
  HandedOver,  ///< with the send: the receiver takes the tensor itself
  Copied,      ///< once the send is waited for: the receiver has its own
};

/// The moment of a rank's list, in its order, at which it holds the most. By
/// the list alone: times make no difference.
///
/// schedule  lowered
/// stages    by stage of the whole schedule
HeldMemory peak_memory(
    const Schedule& schedule,
    int rank,
    const std::vector<StageMemory>& stages,
    SentMemory sent);

}  // namespace pp
