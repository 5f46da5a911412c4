#include "runtime/transport/local.h"

#include <exception>
#include <stop_token>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "runtime/launch/first_cause.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/stall.h"
#include "runtime/launch/watched_transport.h"

namespace pp {

namespace {

std::vector<RankState> states_of(const std::vector<Activity>& activities) {
  std::vector<RankState> states;
  for (const Activity& activity : activities) {
    states.push_back({host_name(), activity.now(), ""});
  }
  return states;
}

}  // namespace

void launch_local(
    int num_ranks, const LaunchOptions& options, const RankMain& main) {
  check(num_ranks >= 1, "at least one rank");
  FirstCause first;
  std::exception_ptr only_error;  // of the only rank
  const auto store = c10::make_intrusive<c10d::HashStore>();
  LocalHub hub(num_ranks);
  std::vector<Activity> activities(static_cast<size_t>(num_ranks));

  const auto run_rank = [&](int rank) {
    const auto transport = hub.transport(rank);
    Activity& activity = activities[static_cast<size_t>(rank)];
    WatchedTransport watched(*transport, activity);
    first.attach(*transport);
    RankContext context;
    context.rank = rank;
    context.size = num_ranks;
    context.local_rank = rank;
    context.launcher = LauncherKind::Local;
    context.transport = &watched;
    context.activity = &activity;
    context.store = store;
    context.log = options.log.for_rank(rank);
    context.check_interrupted = [&first] { first.check(); };
    context.report_failure = [&](const std::exception_ptr& error) {
      Cause cause = cause_of(error, rank);
      if (activity.stalled()) {
        cause = explain_stall(cause, states_of(activities));
      }
      first.set(cause);
    };
    context.attach = [&first](Transport& one) { first.attach(one); };
    context.detach = [&first](Transport& one) { first.detach(one); };
    context.stall_timeout = options.stall_timeout;
    try {
      at::set_num_threads(options.threads_per_rank);
      main(context);
    } catch (...) {
      if (num_ranks == 1) {
        only_error = std::current_exception();
      }
      // Before the transport goes: its end would look like a cause to peers.
      context.report_failure(std::current_exception());
    }
    first.detach(*transport);
  };

  {
    const std::stop_callback on_stop(options.stop, [&first] {
      Cause cause;
      cause.message = "interrupted";
      cause.interrupted = true;
      first.set(cause);
    });
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<size_t>(num_ranks));
    for (int rank = 0; rank < num_ranks; ++rank) {
      threads.emplace_back(run_rank, rank);
    }
  }
  if (only_error) {
    std::rethrow_exception(only_error);
  }
  first.check();
}

}  // namespace pp
