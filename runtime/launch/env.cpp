#include <algorithm>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include <signal.h>

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <c10/util/Logging.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>

#include "runtime/launch/first_cause.h"
#include "runtime/launch/job_board.h"
#include "runtime/launch/job_store.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/stall.h"
#include "runtime/launch/store_watch.h"
#include "runtime/launch/watched_transport.h"
#include "runtime/transport/connect.h"

namespace pp {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A peer's broken connection is a cause only if the watcher found no better
// one by then; it finds a dead rank after 1.25 s and a poll.
constexpr milliseconds kGrace{1700};

// A rank on another machine that gives no sign of life for so long, several
// beats, stands still.
constexpr milliseconds kSilent{600};

// A store that does not answer for the stall timeout stands still; a busy one
// may need a moment.
constexpr milliseconds kShortestAnswer{1000};

// A store that stands still is found by the watcher at about the same time as
// a rank's own wait runs out.
constexpr milliseconds kWatcherFirst{400};

// How long the store's host waits for the others to have read how it ended.
constexpr milliseconds kLastWords{1500};
constexpr milliseconds kLastWordsOfTheCause{200};

// Ranks may be at work for long after this one is done; a cause ends the wait.
constexpr std::chrono::hours kForEver{24 * 3650};

/// Looks until `done()`, often at first. False after `limit`.
template <class Done>
bool look_until(milliseconds limit, milliseconds longest_pause, Done done) {
  const auto deadline = Clock::now() + limit;
  for (milliseconds pause{1}; !done();
       pause = std::min(2 * pause, longest_pause)) {
    if (Clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(pause);
  }
  return true;
}

/// While it lives, LibTorch logs errors only. To the end of a connection c10d
/// gives a warning with a page of stack, where we give a line with the cause.
class QuietC10d {
 public:
  QuietC10d() {
    if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) {
      constexpr int kErrors = 2;
      FLAGS_caffe2_log_level = kErrors;
    }
  }
  QuietC10d(const QuietC10d&) = delete;
  QuietC10d& operator=(const QuietC10d&) = delete;
  ~QuietC10d() { FLAGS_caffe2_log_level = before_; }

 private:
  int before_ = FLAGS_caffe2_log_level;
};

/// While it lives, writing to a connection that the peer closed is an error of
/// that write: Gloo would have the signal end the process.
class BrokenPipesAreErrors {
 public:
  BrokenPipesAreErrors() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &before_);
  }
  BrokenPipesAreErrors(const BrokenPipesAreErrors&) = delete;
  BrokenPipesAreErrors& operator=(const BrokenPipesAreErrors&) = delete;
  ~BrokenPipesAreErrors() { sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

/// One rank's part in a job of several processes, from joining to leaving.
class EnvJob {
 public:
  EnvJob(const EnvRanks& ranks, const LaunchOptions& options)
      : ranks_(ranks),
        options_(options),
        store_(join_store(ranks, options)),
        board_(store_.main),
        launcher_speaks_(board_.has_speaker()),
        watch_(
            store_.watch,
            first_,
            {.rank = ranks.rank,
             .size = ranks.size,
             .host = host_name(),
             .store_rank = ranks.agent_store ? -1 : 0,
             .store_name = store_.name,
             .stop = options.stop,
             .activity = &activity_}) {}

  void run(const RankMain& main) {
    try {
      wait_for_all_to_join();
      connect();
      run_main(main);
      wait_for_all_to_finish();
    } catch (...) {
      fail(std::current_exception());
    }
    leave();
    if (const auto cause = first_.get()) {
      JobFailed failed(*cause);
      failed.set_told(launcher_speaks_);
      throw failed;
    }
  }

 private:
  void wait_for_all_to_join() {
    int next = 0;
    const bool joined =
        look_until(options_.join_timeout, milliseconds{20}, [&] {
          first_.check();
          while (next < ranks_.size && board_.has_joined(next)) {
            ++next;
          }
          return next == ranks_.size;
        });
    if (!joined) {
      throw runtime_error(
          "rank " + std::to_string(next) + " of " +
          std::to_string(ranks_.size) + " did not start within " +
          std::to_string(options_.join_timeout.count()) + " s");
    }
  }

  void connect() {
    watch_.look_now();
    GlooOptions gloo;
    const char* name = std::getenv("GLOO_SOCKET_IFNAME");
    gloo.interface_name = name ? name : "";
    gloo.address = reachable_address(ranks_);
    gloo.grace = kGrace;
    transport_ = connect_ranks(
        c10::make_intrusive<c10d::PrefixStore>("transport", store_.main),
        ranks_.rank,
        ranks_.size,
        options_.transport,
        gloo);
    limit_answers(store_, std::max(kShortestAnswer, options_.stall_timeout));
    first_.attach(*transport_);
    watched_transport_.emplace(*transport_, activity_);
  }

  void run_main(const RankMain& main) {
    RankContext context;
    context.rank = ranks_.rank;
    context.size = ranks_.size;
    context.local_rank = ranks_.local_rank;
    context.launcher = LauncherKind::Env;
    context.transport = &*watched_transport_;
    context.activity = &activity_;
    context.store = store_.main;
    context.log = options_.log.for_rank(ranks_.rank);
    context.check_interrupted = [this] { first_.check(); };
    context.report_failure = [this](const std::exception_ptr& error) {
      fail(error);
    };
    context.attach = [this](Transport& one) { first_.attach(one); };
    context.detach = [this](Transport& one) { first_.detach(one); };
    context.stall_timeout = options_.stall_timeout;
    main(context);
  }

  // Connections stay up until nobody needs them: closing one can drop data
  // that the peer has not read yet.
  void wait_for_all_to_finish() {
    board_.count(JobBoard::Counter::Done);
    look_until(kForEver, milliseconds{10}, [&] {
      first_.check();
      return board_.counted(JobBoard::Counter::Done) >= ranks_.size;
    });
  }

  void fail(const std::exception_ptr& error) {
    bool has_store = true;
    try {
      std::rethrow_exception(error);
    } catch (const c10::DistError&) {
      // The store's connection broke: the watcher knows more, in a moment.
      first_.wait_for(milliseconds{500});
      has_store = false;  // an answer that came late would be taken for another
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
        cause = explain_stall(cause, look_at_all());
      }
      if (first_.get()) {
        return;
      }
      cause = board_.publish(cause);
    } catch (const std::exception&) {
      // The store is gone: the cause stays ours.
    }
    first_.set(cause);
  }

  /// What each rank is at, and whether it shows life.
  std::vector<RankState> look_at_all() {
    std::vector<int> ranks(static_cast<size_t>(ranks_.size));
    std::iota(ranks.begin(), ranks.end(), 0);
    const auto before = board_.read(ranks).second;
    first_.wait_for(kSilent);
    const auto after = board_.read(ranks).second;
    std::vector<RankState> all;
    for (const int rank : ranks) {
      const size_t i = static_cast<size_t>(rank);
      RankState state{board_.host(rank), board_.doing(rank), ""};
      const Liveness life = liveness(board_.process(rank));
      if (rank == ranks_.rank) {
        state.doing = activity_.now();
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
    look_until(kLastWords, milliseconds{10}, [&] {
      return board_.counted(JobBoard::Counter::Left) >= ranks_.size - 1;
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
    look_until(kLastWords, milliseconds{10}, all_but_the_cause);
    if (causing_rank > 0) {  // it may be dead
      look_until(kLastWordsOfTheCause, milliseconds{10}, [&] {
        return board_.has_seen(causing_rank);
      });
    }
  }

  const EnvRanks& ranks_;
  const LaunchOptions& options_;
  Activity activity_;
  FirstCause first_;
  JobStore store_;
  JobBoard board_;
  bool launcher_speaks_;
  std::unique_ptr<Transport> transport_;
  std::optional<WatchedTransport> watched_transport_;
  StoreWatch watch_;  // ends first
};

}  // namespace

void launch_env(
    const EnvRanks& ranks, const LaunchOptions& options, const RankMain& main) {
  if (ranks.size == 1 && !ranks.agent_store) {
    launch_local(1, options, main);
    return;
  }
  at::set_num_threads(options.threads_per_rank);
  const QuietC10d quiet;
  const BrokenPipesAreErrors no_signal;
  std::optional<EnvJob> job;
  try {
    job.emplace(ranks, options);
  } catch (const c10::Error&) {
    throw runtime_error(
        "rank " + std::to_string(ranks.rank) +
        " lost the job's store while it joined: " +
        cause_of(std::current_exception(), ranks.rank).message);
  }
  job->run(main);
}

}  // namespace pp
