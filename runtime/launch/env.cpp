#include <algorithm>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <optional>
#include <utility>

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "runtime/launch/abandonable_call.h"
#include "runtime/launch/descriptors.h"
#include "runtime/launch/error_console.h"
#include "runtime/launch/greeting.h"
#include "runtime/launch/job_board.h"
#include "runtime/launch/job_store.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/look_until.h"
#include "runtime/launch/make_context.h"
#include "runtime/launch/quiet_process.h"
#include "runtime/launch/stall.h"
#include "runtime/launch/stop_guard.h"
#include "runtime/launch/store_watch.h"
#include "runtime/launch/wait_for_ranks.h"
#include "runtime/launch/watched_transport.h"
#include "runtime/transport/connect/connect.h"

namespace pp {
namespace {

using std::chrono::milliseconds;

// A peer's broken connection is the cause only if the watcher finds no better
// one within this time; it finds a dead rank after 1.25 s and a poll.
constexpr milliseconds kGrace{1700};

// A rank on another machine that gives no sign of life for this long (several
// beats) doesn't respond.
constexpr milliseconds kSilent{600};

// A store that doesn't answer within the stall timeout is considered stuck, but
// a busy one gets at least this long.
constexpr milliseconds kShortestAnswer{1000};

// The watcher finds a stuck store at about the same time as a rank's own wait
// runs out. The watcher's cause is the better one.
constexpr milliseconds kWatcherFirst{400};

// How long the store's host waits for the others to read how the job ended, and
// then for the rank that caused the failure, which may be dead.
constexpr milliseconds kReadCauseLimit{1500};
constexpr milliseconds kCausingRankLimit{200};

// Each step of connecting has a limit of its own, which is shorter.
constexpr std::chrono::minutes kConnectLimit{10};

// Other ranks may work long after this one is done; a cause ends the wait.
constexpr std::chrono::hours kNoLimit{24 * 3650};

/// One rank's part in a job of several processes, from joining to leaving.
class EnvJob {
 public:
  EnvJob(const EnvRanks& ranks, const LaunchOptions& options)
      : ranks_(ranks),
        options_(options),
        store_(join_store(ranks, options)),
        stop_guard_(options.stop, [this](int call) { end_silent_wait(call); }),
        board_(store_.main),
        launcher_reports_(board_.has_reporter()),
        watch_(
            store_.watch,
            first_,
            {.rank = ranks.rank,
             .size = ranks.size,
             .host = host_name(),
             .store_rank = ranks.agent_store ? -1 : 0,
             .store_name = store_.name,
             .console = error_console(ranks),
             .stop = options.stop,
             .activity = &activity_}) {}

  void run(const RankMain& main) {
    if (!ranks_.secret.exists() && ranks_.rank == 0) {
      options_.log.debug(
          "PP_JOB_SECRET isn't set: ranks believe every process that reaches "
          "the job's store at " +
          store_.name);
    }
    try {
      wait_for_ranks(ranks_, options_, store_, board_, first_);
      connect();
      run_main(main);
      wait_for_all_to_finish();
    } catch (...) {
      fail(std::current_exception());
    }
    leave();
    if (const auto cause = first_.get()) {
      JobFailed failed(*cause);
      failed.set_told(is_told());
      throw JobFailed(failed);
    }
  }

  /// Publishes that this rank can't start. Returns whether another rank prints
  /// the same message to the same console.
  bool report(const std::exception_ptr& error) {
    fail(error);
    leave();
    const auto cause = first_.get();
    return cause && is_told() &&
           cause->message == cause_of(error, ranks_.rank).message;
  }

 private:
  bool is_told() const { return launcher_reports_ || watch_.is_told(); }

  void connect() {
    watch_.look_now();
    JobMember self;
    self.store =
        c10::make_intrusive<c10d::PrefixStore>("transport", store_.transport);
    self.rank = ranks_.rank;
    self.size = ranks_.size;
    const char* name = std::getenv("GLOO_SOCKET_IFNAME");
    self.options.interface_name = name ? name : "";
    self.options.address =
        reachable_address(ranks_, [this] { first_.check(); });
    self.options.grace = kGrace;
    // Ranks that wait for each other inside Gloo hear of no cause.
    auto connected = abandonable_call(
        [self, kind = options_.transport] { return connect_ranks(self, kind); },
        kConnectLimit,
        [this] { first_.check(); });
    if (!connected) {
      throw runtime_error("the ranks took too long to connect to each other");
    }
    transport_ = std::move(*connected);
    limit_answers(store_, std::max(kShortestAnswer, options_.stall_timeout));
    first_.attach(*transport_);
    watched_transport_.emplace(*transport_, activity_);
    greet_peers(
        *watched_transport_, store_.job, ranks_.secret, options_.stall_timeout);
  }

  void run_main(const RankMain& main) {
    RankContext context =
        make_context(options_, first_, *watched_transport_, activity_);
    context.local_rank = ranks_.local_rank;
    context.launcher = LauncherKind::Env;
    context.store = store_.main;
    context.report_failure = [this](const std::exception_ptr& error) {
      fail(error);
    };
    main(context);
  }

  // Connections stay open until nobody needs them: closing one can drop data
  // that the peer hasn't read yet.
  void wait_for_all_to_finish() {
    board_.count(JobBoard::Counter::Done);
    look_until(kNoLimit, milliseconds{10}, [&] {
      first_.check();
      return board_.count_of(JobBoard::Counter::Done) >= ranks_.size;
    });
  }

  void fail(const std::exception_ptr& error) {
    bool has_store = true;
    try {
      std::rethrow_exception(error);
    } catch (const c10::DistError&) {
      // The connection to the store broke; the watcher will soon know more.
      first_.wait_for(milliseconds{500});
      has_store = false;  // a late answer would be mistaken for another one
    } catch (...) {}
    if (first_.get()) {
      return;
    }
    Cause cause = cause_of(error, ranks_.rank);
    if (!has_store) {
      first_.set(cause);
      return;
    }
    try {
      if (activity_.stalled() && !first_.wait_for(kWatcherFirst)) {
        cause = explain_stall(cause, states_of_ranks());
      }
      if (first_.get()) {
        return;
      }
      cause = board_.publish(cause);
    } catch (const std::exception&) {
      // The store is gone, so the cause is this rank's own.
    }
    first_.set(cause);
  }

  /// Ends a wait for a store that doesn't answer after a request to stop. With
  /// a cause, the rank needs the store to leave, and gets more time.
  void end_silent_wait(int call) {
    constexpr int kPatience = 5;
    if (first_.get() && call < kPatience) {
      return;
    }
    Cause cause;
    cause.rank = ranks_.rank;
    cause.host = host_name();
    cause.message = "interrupted";
    cause.interrupted = true;
    first_.set(cause);
    end_calls(store_);
  }

  /// Collects what each rank is doing, and whether it is alive.
  std::vector<RankState> states_of_ranks() {
    std::vector<int> ranks(static_cast<size_t>(ranks_.size));
    std::iota(ranks.begin(), ranks.end(), 0);
    const auto before = board_.read(ranks).second;
    first_.wait_for(kSilent);
    const auto after = board_.read(ranks).second;
    std::vector<RankState> all;
    for (const int rank : ranks) {
      const size_t i = static_cast<size_t>(rank);
      RankState state{board_.host(rank), board_.activity(rank), ""};
      const Liveness life = liveness(board_.process(rank));
      if (rank == ranks_.rank) {
        state.activity = activity_.now();
      } else if (life == Liveness::Stopped) {
        state.silence = "its process is stopped, by a signal or a debugger";
      } else if (
          life == Liveness::Unknown && before[i] == after[i] &&
          !JobBoard::said_goodbye(after[i])) {
        state.silence = "it gives no sign of life";
      }
      all.push_back(std::move(state));
    }
    return all;
  }

  void leave() {
    watch_.stop();
    if (transport_) {
      first_.detach(*transport_);
      watched_transport_.reset();
      transport_.reset();
    }
    const auto cause = first_.get();
    try {
      if (cause && store_.server) {
        wait_for_cause_to_be_read(cause->rank);
      } else if (!cause) {
        leave_in_order();
      }
    } catch (const std::exception&) {
      // Without its store the job is over anyway.
    }
  }

  void leave_in_order() {
    if (!store_.server) {
      board_.count(JobBoard::Counter::Left);
      return;
    }
    look_until(kReadCauseLimit, milliseconds{10}, [&] {
      return board_.count_of(JobBoard::Counter::Left) >= ranks_.size - 1;
    });
  }

  void wait_for_cause_to_be_read(int causing_rank) {
    int next = 1;
    const auto all_but_the_cause = [&] {
      while (next < ranks_.size &&
             (next == causing_rank || board_.has_seen(next))) {
        ++next;
      }
      return next == ranks_.size;
    };
    look_until(kReadCauseLimit, milliseconds{10}, all_but_the_cause);
    if (causing_rank > 0) {
      look_until(kCausingRankLimit, milliseconds{10}, [&] {
        return board_.has_seen(causing_rank);
      });
    }
  }

  const EnvRanks& ranks_;
  const LaunchOptions& options_;
  Activity activity_;
  FirstCause first_;
  JobStore store_;
  StopGuard stop_guard_;
  JobBoard board_;
  bool launcher_reports_;
  std::unique_ptr<Transport> transport_;
  std::optional<WatchedTransport> watched_transport_;
  StoreWatch watch_;  // destroyed first
};

/// Number of descriptors that a rank needs for its connections, and for the
/// store if it serves that.
int num_descriptors(const EnvRanks& ranks) {
  const bool serves_store = ranks.rank == 0 && !ranks.agent_store;
  return serves_store ? 17 + 5 * ranks.size : 11 + 2 * ranks.size;
}

}  // namespace

void launch_env(
    const EnvRanks& ranks, const LaunchOptions& options, const RankMain& main) {
  if (ranks.size == 1 && !ranks.agent_store) {
    launch_local(1, options, main);
    return;
  }
  at::set_num_threads(options.threads_per_rank);
  check_descriptors(num_descriptors(ranks), ranks.size);
  const QuietC10d quiet;
  const BrokenPipesAreErrors no_signal;
  std::optional<EnvJob> job;
  try {
    job.emplace(ranks, options);
  } catch (const c10::Error&) {
    throw runtime_error(
        "rank " + std::to_string(ranks.rank) +
        " lost its connection to the job's store while joining: " +
        cause_of(std::current_exception(), ranks.rank).message);
  }
  job->run(main);
}

void fail_before_start(
    const EnvRanks& ranks,
    const LaunchOptions& options,
    const std::exception_ptr& error) {
  constexpr std::chrono::seconds kJoinLimit{2};
  LaunchOptions brief = options;
  brief.join_timeout = kJoinLimit;
  JobFailed failed(cause_of(error, ranks.rank));
  try {
    const QuietC10d quiet;
    const BrokenPipesAreErrors no_signal;
    failed.set_told(EnvJob(ranks, brief).report(error));
  } catch (const std::exception&) {
    // The other ranks can't be reached: they don't run, or run elsewhere.
  }
  throw JobFailed(failed);
}

}  // namespace pp
