#include "runtime/launch/wait_for_ranks.h"

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "loader/core/text.h"
#include "runtime/launch/look_until.h"

namespace pp {
namespace {

using WaitClock = std::chrono::steady_clock;

class RankWait {
 public:
  RankWait(
      const EnvRanks& ranks,
      const LaunchOptions& options,
      JobStore& store,
      JobBoard& board,
      const FirstCause& first)
      : ranks_(ranks),
        options_(options),
        store_(store),
        board_(board),
        first_(first) {}

  void wait() {
    constexpr std::chrono::milliseconds kLongestPause{20};
    if (look_until(
            options_.join_timeout, kLongestPause, [&] { return look(); })) {
      return;
    }
    throw runtime_error(
        "rank " + std::to_string(next_) + " of " + std::to_string(ranks_.size) +
        " did not start within " +
        std::to_string(options_.join_timeout.count()) + " s" +
        (refused_.contains(next_)
             ? "; a process that came as this rank has another PP_JOB_SECRET"
             : ""));
  }

 private:
  /// Whether all ranks have joined by now.
  bool look() {
    first_.check();
    while (next_ < ranks_.size && board_.has_joined(next_)) {
      ++next_;
    }
    if (next_ == ranks_.size) {
      return true;
    }
    announce_refused();
    if (!announced_ && WaitClock::now() - began_ > kAnnounceAfter) {
      announced_ = true;
      announce_missing();
    }
    return false;
  }

  void announce_refused() {
    if (refused_.contains(next_) || !store_.secret_check->was_refused(next_)) {
      return;
    }
    refused_.insert(next_);
    if (is_first_to_wait()) {
      options_.log.warning(
          "a process that came as rank " + std::to_string(next_) + " of " +
          std::to_string(ranks_.size) +
          " has another PP_JOB_SECRET and was refused; waiting for that rank "
          "at " +
          store_.name);
    }
  }

  void announce_missing() {
    if (!is_first_to_wait()) {
      return;
    }
    std::vector<int> missing;
    for (int rank = 0; rank < ranks_.size; ++rank) {
      if (!board_.has_joined(rank)) {
        missing.push_back(rank);
      }
    }
    options_.log.warning(
        (missing.size() == 1 ? "waiting for rank " : "waiting for ranks ") +
        pp::join(missing) + " of " + std::to_string(ranks_.size) + " at " +
        store_.name);
  }

  bool is_first_to_wait() {
    for (int rank = 0; rank < ranks_.rank; ++rank) {
      if (board_.has_joined(rank)) {
        return false;
      }
    }
    return true;
  }

  const EnvRanks& ranks_;
  const LaunchOptions& options_;
  JobStore& store_;
  JobBoard& board_;
  const FirstCause& first_;
  const WaitClock::time_point began_ = WaitClock::now();
  int next_ = 0;  ///< lowest rank that hasn't joined
  bool announced_ = false;
  std::set<int> refused_;  ///< missing ranks for which a process was refused
};

}  // namespace

void wait_for_ranks(
    const EnvRanks& ranks,
    const LaunchOptions& options,
    JobStore& store,
    JobBoard& board,
    const FirstCause& first) {
  RankWait(ranks, options, store, board, first).wait();
}

}  // namespace pp
