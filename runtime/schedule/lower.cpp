#include "runtime/schedule/lower.h"

namespace pp {

Schedule lower(Schedule compute) {
  return add_wait_send(add_send_recv(add_reduce_grad(std::move(compute))));
}

}  // namespace pp
