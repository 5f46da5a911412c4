#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <thread>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "runtime/launch/child.h"
#include "runtime/launch/descriptors.h"
#include "runtime/launch/job_board.h"
#include "runtime/launch/job_store.h"
#include "runtime/launch/launch.h"
#include "runtime/launch/signals.h"

namespace pp {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kPollChildren{10};

// Ranks may notice this much later than their parent that their time to save is
// over.
constexpr seconds kSlack{1};

// Ranks stop by themselves within a second, or when the operator they are in
// returns. After this long they are asked again, then killed; sooner if they
// haven't even noticed that the job is over (they are stopped by a signal).
constexpr seconds kAskAfter{10};
constexpr seconds kKillAfter{15};
constexpr milliseconds kNoticeAfter{1500};

// Descriptors that the store and the watch on signals need, and connections.
constexpr int kOwnDescriptors = 15;
constexpr int kDescriptorsPerRank = 3;

class Processes {
 public:
  Processes(
      int num_ranks,
      const std::vector<std::string>& command,
      std::optional<milliseconds> time_to_save)
      : time_to_save_(time_to_save),
        signals_([this](const CaughtSignal& caught) {
          signal_from_terminal_ = caught.from_terminal;
          signal_ = caught.number;
          ++num_signals_;
        }),
        shared_(shared_variables(num_ranks)),
        store_(serve_store(shared_)),
        board_(store_.main) {
    board_.announce_reporter();
    for (int rank = 0; rank < num_ranks; ++rank) {
      ranks_.push_back(
          {Child(command, variables(rank), signals_.previous_mask()), false});
    }
  }

  void wait() {
    while (!all_ended()) {
      std::this_thread::sleep_for(kPollChildren);
      pass_on_signals();
      end_saving();
      end_stragglers();
    }
    const auto cause = board_.cause();
    // A signal may come when the job is done and only its ranks have to end.
    if (signal_ != 0 && (cause || ending_since_)) {
      constexpr int kSignalBase = 128;
      throw JobFailed(cause.value_or(interrupted()), kSignalBase + signal_);
    }
    if (cause) {
      throw JobFailed(*cause, code_.value_or(static_cast<int>(cause->kind)));
    }
  }

 private:
  struct Rank {
    Child child;
    bool ended = false;
  };

  /// The variables that all ranks have in common, except for the port.
  static EnvRanks shared_variables(int num_ranks) {
    EnvRanks shared;
    shared.size = num_ranks;
    shared.local_size = num_ranks;
    shared.agent_store = true;
    shared.run_id = "pp";
    const char* given = std::getenv(kSecretVariable);
    shared.secret = JobSecret(given ? given : "");
    if (!shared.secret.exists()) {
      shared.secret = JobSecret::random();
    }
    return shared;
  }

  std::map<std::string, std::string> variables(int rank) const {
    const std::string size = std::to_string(shared_.size);
    return {
        {"RANK", std::to_string(rank)},
        {"WORLD_SIZE", size},
        {"LOCAL_RANK", std::to_string(rank)},
        {"LOCAL_WORLD_SIZE", size},
        {"MASTER_ADDR", "127.0.0.1"},
        {"MASTER_PORT", std::to_string(shared_.master_port)},
        {"TORCHELASTIC_USE_AGENT_STORE", "True"},
        {"TORCHELASTIC_RESTART_COUNT", "0"},
        {"TORCHELASTIC_RUN_ID", shared_.run_id},
        {kSecretVariable, shared_.secret.value()},
    };
  }

  static Cause interrupted() {
    Cause cause;
    cause.message = "interrupted";
    cause.interrupted = true;
    return cause;
  }

  bool all_ended() {
    bool all = true;
    for (size_t rank = 0; rank < ranks_.size(); ++rank) {
      const auto exit = ranks_[rank].child.poll();
      all = all && exit;
      if (exit && !std::exchange(ranks_[rank].ended, true)) {
        note_end(static_cast<int>(rank), *exit);
      }
    }
    return all;
  }

  void note_end(int rank, const Exit& exit) {
    if (exit.signal == 0 && exit.code == 0) {
      return;
    }
    if (ending_since_ || board_.cause()) {
      start_ending();
      return;  // a consequence of the first cause
    }
    Cause cause;
    cause.rank = rank;
    cause.host = host_name();
    cause.message = to_string(exit);
    if (board_.has_joined(rank)) {
      set_place(cause, board_.activity(rank));
      cause.last_seen = true;
    }
    board_.publish(cause);
    start_ending();
    if (exit.signal == 0) {
      code_ = exit.code;
    }
  }

  void start_ending() {
    if (!ending_since_) {
      ending_since_ = Clock::now();
    }
  }

  void pass_on_signals() {
    const int count = num_signals_;
    if (count == signals_passed_on_) {
      return;
    }
    signals_passed_on_ = count;
    // With time to save, the first signal asks for that and the second ends the
    // job. The next one kills.
    const int num_requests = time_to_save_ ? 2 : 1;
    const bool again = count > num_requests;
    if (count < num_requests) {
      saving_since_ = Clock::now();
    } else {
      start_ending();
    }
    for (Rank& rank : ranks_) {
      if (again) {
        rank.child.send_signal(SIGKILL);
      } else if (!signal_from_terminal_) {
        rank.child.send_signal(signal_);
      }
    }
  }

  /// The ranks end by themselves when their time to save is over.
  void end_saving() {
    if (saving_since_ &&
        Clock::now() - *saving_since_ > *time_to_save_ + kSlack) {
      start_ending();
    }
  }

  void end_stragglers() {
    if (!ending_since_) {
      return;
    }
    const auto waited = Clock::now() - *ending_since_;
    if (waited > kNoticeAfter && !looked_for_stopped_) {
      looked_for_stopped_ = true;
      for (size_t rank = 0; rank < ranks_.size(); ++rank) {
        if (!board_.has_seen(static_cast<int>(rank))) {
          ranks_[rank].child.send_signal(SIGKILL);
        }
      }
    }
    if (waited > kAskAfter && !asked_) {
      asked_ = true;
      for (Rank& rank : ranks_) {
        rank.child.send_signal(SIGTERM);
      }
    }
    if (waited > kKillAfter) {
      for (Rank& rank : ranks_) {
        rank.child.send_signal(SIGKILL);
      }
    }
  }

  const std::optional<milliseconds> time_to_save_;
  std::atomic<bool> signal_from_terminal_{false};
  std::atomic<int> signal_{0};
  std::atomic<int> num_signals_{0};
  SignalWatch signals_;  // constructed before the store starts threads
  EnvRanks shared_;
  JobStore store_;
  JobBoard board_;
  std::vector<Rank> ranks_;
  std::optional<int> code_;  ///< exit code of the first rank to fail
  int signals_passed_on_ = 0;
  std::optional<Clock::time_point> saving_since_;
  std::optional<Clock::time_point> ending_since_;
  bool asked_ = false;
  bool looked_for_stopped_ = false;
};

}  // namespace

void launch_processes(
    int num_ranks,
    const std::vector<std::string>& command,
    std::optional<milliseconds> time_to_save) {
  check_descriptors(
      kOwnDescriptors + kDescriptorsPerRank * num_ranks, num_ranks);
  Processes(num_ranks, command, time_to_save).wait();
}

}  // namespace pp
