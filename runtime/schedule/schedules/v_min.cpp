#include "runtime/schedule/schedules/building_block.h"
#include "runtime/schedule/schedules/schedules.h"

namespace pp {

// V-Min (Qi et al. 2024, arXiv:2405.15362): a third of the activations of
// 1F1B. Every passage goes as fast as it can, so the hops add up to 4 and
// num_ranks / 3 microbatches are alive, and about one more for the turns and
// for weight gradients that wait. The price is that ranks are idle in the fill.
Schedule v_min(const Shape& shape) {
  return repeat_building_block("VMin", shape, {1, 1, 1, 1});
}

}  // namespace pp
