#include "runtime/launch/make_context.h"

#include <torch/csrc/distributed/c10d/Store.hpp>

namespace pp {

RankContext make_context(
    const LaunchOptions& options,
    FirstCause& first,
    Transport& transport,
    Activity& activity) {
  RankContext context;
  context.rank = transport.rank();
  context.size = transport.size();
  context.transport = &transport;
  context.activity = &activity;
  context.log = options.log.for_rank(context.rank);
  context.check_interrupted = [&first] { first.check(); };
  context.attach = [&first](Transport& other) { first.attach(other); };
  context.detach = [&first](Transport& other) { first.detach(other); };
  context.stall_timeout = options.stall_timeout;
  return context;
}

}  // namespace pp
