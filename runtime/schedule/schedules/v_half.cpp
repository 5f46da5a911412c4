#include "runtime/schedule/schedules/building_block.h"
#include "runtime/schedule/schedules/schedules.h"

namespace pp {

// V-Half (Qi et al. 2024, arXiv:2405.15362): half the activations of 1F1B.
// The hops add up to 6, so num_ranks / 2 microbatches are alive, and one more
// for the turns and for weight gradients that wait. The way down is slow and
// the way up fast, in both directions: among the hops with this sum these fit
// the period on every rank.
Schedule v_half(const Shape& shape) {
  return repeat_building_block("VHalf", shape, {2, 1, 2, 1});
}

}  // namespace pp
