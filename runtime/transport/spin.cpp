#include "runtime/transport/spin.h"

#include <sched.h>

namespace pp {

bool may_spin(int num_ranks) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  const bool known = sched_getaffinity(0, sizeof(cores), &cores) == 0;
  return num_ranks <= (known ? CPU_COUNT(&cores) : 1);
}

}  // namespace pp
