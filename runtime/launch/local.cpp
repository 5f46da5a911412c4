#include "runtime/transport/local/local.h"

#include <exception>
#include <stop_token>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "runtime/launch/launch.h"
#include "runtime/launch/make_context.h"
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

/// A job whose ranks are threads of this process.
class LocalJob {
 public:
  LocalJob(int num_ranks, const LaunchOptions& options, const RankMain& main)
      : num_ranks_(num_ranks),
        options_(options),
        main_(main),
        hub_(num_ranks),
        activities_(static_cast<size_t>(num_ranks)) {}

  void run() {
    run_threads();
    if (only_error_) {
      std::rethrow_exception(only_error_);
    }
    first_.check();
  }

 private:
  void run_threads() {
    const std::stop_callback on_stop(options_.stop, [this] {
      Cause cause;
      cause.message = "interrupted";
      cause.interrupted = true;
      first_.set(cause);
    });
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<size_t>(num_ranks_));
    for (int rank = 0; rank < num_ranks_; ++rank) {
      threads.emplace_back([this, rank] { run_rank(rank); });
    }
  }

  void run_rank(int rank) {
    const auto transport = hub_.transport(rank);
    Activity& activity = activities_[static_cast<size_t>(rank)];
    WatchedTransport watched(*transport, activity);
    first_.attach(*transport);
    RankContext context = make_context(options_, first_, watched, activity);
    context.local_rank = rank;
    context.launcher = LauncherKind::Local;
    context.store = store_;
    context.report_failure = [this, rank](const std::exception_ptr& error) {
      fail(rank, error);
    };
    try {
      at::set_num_threads(options_.threads_per_rank);
      main_(context);
    } catch (...) {
      if (num_ranks_ == 1) {
        only_error_ = std::current_exception();
      }
      // Publish it before the transport closes: peers would blame that.
      fail(rank, std::current_exception());
    }
    first_.detach(*transport);
  }

  void fail(int rank, const std::exception_ptr& error) {
    Cause cause = cause_of(error, rank);
    if (activities_[static_cast<size_t>(rank)].stalled()) {
      cause = explain_stall(cause, states_of(activities_));
    }
    first_.set(cause);
  }

  const int num_ranks_;
  const LaunchOptions& options_;
  const RankMain& main_;
  FirstCause first_;
  std::exception_ptr only_error_;  ///< thrown by the only rank
  const c10::intrusive_ptr<c10d::Store> store_ =
      c10::make_intrusive<c10d::HashStore>();
  LocalHub hub_;
  std::vector<Activity> activities_;  ///< by rank
};

}  // namespace

void launch_local(
    int num_ranks, const LaunchOptions& options, const RankMain& main) {
  check(num_ranks >= 1, "there must be at least one rank");
  LocalJob(num_ranks, options, main).run();
}

}  // namespace pp
