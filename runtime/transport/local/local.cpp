#include "runtime/transport/local/local.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/transport/canonical.h"
#include "runtime/transport/errors.h"
#include "runtime/transport/spin.h"
#include "runtime/transport/ticket_queue.h"

namespace pp {
namespace local {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Queue : TicketQueue {
  bool closed = false;
  /// The opposite direction: how many receives this queue's peer has called for
  /// messages from the inbox's owner.
  uint64_t posted = 0;
};

}  // namespace

/// The messages to one rank, and how many receives its peers have called for
/// messages from it.
class Inbox {
 public:
  Inbox(int num_ranks, bool spin) : queues_(num_ranks), spin_(spin) {}

  uint64_t push(int from, Message message) {
    uint64_t ticket = 0;
    change([&] { ticket = queues_[from].push(std::move(message)); });
    return ticket;
  }
  /// Notes that `peer` has called recv() for one more message of this inbox's
  /// owner.
  void note_posted(int peer) {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      ++queues_[peer].posted;
      wake = waits_for_post_;
    }
    if (wake) {
      changed_.notify_one();
    }
  }
  /// Waits until `peer` has called recv() for the message with that ticket.
  void wait_posted(int peer, uint64_t ticket, milliseconds timeout) {
    const Queue& queue = queues_[peer];
    std::unique_lock lock(mutex_);
    const auto ready = [&] {
      return cause_ || queue.posted > ticket || queue.closed;
    };
    if (!ready()) {
      waits_for_post_ = parked_ = true;
      changed_.wait_until(
          lock, Clock::now() + std::min(timeout, kLongest), ready);
      waits_for_post_ = parked_ = false;
    }
    throw_cause();
    if (queue.posted > ticket) {
      return;
    }
    if (queue.closed) {
      throw peer_closed(peer);
    }
    throw waited_too_long(timeout, "to", peer);
  }
  void close(int from) {
    change([&] { queues_[from].closed = true; });
  }
  void interrupt(const Error& cause) {
    change([&] {
      if (!cause_) {
        cause_ = cause;
      }
    });
  }

  uint64_t ticket(int from) {
    const std::lock_guard lock(mutex_);
    return queues_[from].next_ticket();
  }

  void abandon(int from, uint64_t ticket) {
    const std::lock_guard lock(mutex_);
    queues_[from].abandon(ticket);
  }

  void throw_if_interrupted() {
    const std::lock_guard lock(mutex_);
    throw_cause();
  }

  Message wait(int from, uint64_t ticket, milliseconds timeout) {
    Queue& queue = queues_[from];
    const auto deadline = Clock::now() + std::min(timeout, kLongest);
    std::unique_lock lock(mutex_);
    const auto ready = [&] {
      return cause_ || queue.has(ticket) || queue.closed;
    };
    if (spin_ && !ready()) {
      const uint64_t seen = version_.load(std::memory_order_relaxed);
      lock.unlock();
      spin_until(std::min(deadline, Clock::now() + kSpin), [&] {
        return version_.load(std::memory_order_acquire) != seen;
      });
      lock.lock();
    }
    parked_ = true;
    const bool in_time = changed_.wait_until(lock, deadline, ready);
    parked_ = false;
    throw_cause();
    if (queue.has(ticket)) {
      return queue.take(ticket);
    }
    if (in_time) {
      throw peer_closed(from);
    }
    throw waited_too_long(timeout, "from", from);
  }

 private:
  template <class Edit>
  void change(Edit edit) {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      edit();
      version_.fetch_add(1, std::memory_order_release);
      wake = parked_;
    }
    if (wake) {
      changed_.notify_one();  // only the rank's own thread waits
    }
  }

  void throw_cause() const {
    if (cause_) {
      throw Error(*cause_);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<uint64_t> version_{0};  ///< increases with every change
  bool parked_ = false;
  bool waits_for_post_ = false;
  std::vector<Queue> queues_;  ///< by peer
  std::optional<Error> cause_;
  bool spin_;
};

class Inboxes {
 public:
  explicit Inboxes(int num_ranks) {
    const bool spin = may_spin(num_ranks);
    for (int rank = 0; rank < num_ranks; ++rank) {
      all_.push_back(std::make_unique<Inbox>(num_ranks, spin));
    }
  }
  int size() const { return static_cast<int>(all_.size()); }
  Inbox& of(int rank) { return *all_[rank]; }

 private:
  std::vector<std::unique_ptr<Inbox>> all_;
};

namespace {

/// A send, which is done once the receiver has called recv() for it, as on a
/// wire. So a schedule's waits limit how many messages are queued, and a fast
/// rank can't run far ahead of a slow one.
class LocalSend : public Pending {
 public:
  LocalSend(std::shared_ptr<Inboxes> inboxes, int rank, int to, uint64_t ticket)
      : inboxes_(std::move(inboxes)), rank_(rank), to_(to), ticket_(ticket) {}

  Message wait(milliseconds timeout) override {
    inboxes_->of(rank_).wait_posted(to_, ticket_, timeout);
    return {};
  }

 private:
  std::shared_ptr<Inboxes> inboxes_;
  int rank_;
  int to_;
  uint64_t ticket_;
};

class LocalRecv : public Pending {
 public:
  LocalRecv(std::shared_ptr<Inboxes> inboxes, int rank, int from)
      : inboxes_(std::move(inboxes)),
        inbox_(inboxes_->of(rank)),
        from_(from),
        ticket_(inbox_.ticket(from)) {
    inboxes_->of(from).note_posted(rank);
  }
  LocalRecv(const LocalRecv&) = delete;
  LocalRecv& operator=(const LocalRecv&) = delete;
  ~LocalRecv() override {
    if (!taken_) {
      inbox_.abandon(from_, ticket_);
    }
  }

  Message wait(milliseconds timeout) override {
    check(!taken_, "wait() must be called only once");
    Message message = inbox_.wait(from_, ticket_, timeout);
    taken_ = true;
    return message;
  }

 private:
  std::shared_ptr<Inboxes> inboxes_;
  Inbox& inbox_;
  int from_;
  uint64_t ticket_;
  bool taken_ = false;
};

class LocalTransport : public Transport {
 public:
  LocalTransport(std::shared_ptr<Inboxes> inboxes, int rank)
      : inboxes_(std::move(inboxes)), rank_(rank) {}
  LocalTransport(const LocalTransport&) = delete;
  LocalTransport& operator=(const LocalTransport&) = delete;
  ~LocalTransport() override {
    for (int to = 0; to < inboxes_->size(); ++to) {
      inboxes_->of(to).close(rank_);
    }
  }

  int rank() const override { return rank_; }
  int size() const override { return inboxes_->size(); }

  std::unique_ptr<Pending> send(Message message, int to) override {
    check_peer(to, rank_, size());
    inboxes_->of(rank_).throw_if_interrupted();
    const uint64_t ticket =
        inboxes_->of(to).push(rank_, canonical(std::move(message)));
    return std::make_unique<LocalSend>(inboxes_, rank_, to, ticket);
  }

  std::unique_ptr<Pending> recv(int from) override {
    check_peer(from, rank_, size());
    inboxes_->of(rank_).throw_if_interrupted();
    return std::make_unique<LocalRecv>(inboxes_, rank_, from);
  }

  void interrupt(const Error& cause) noexcept override {
    inboxes_->of(rank_).interrupt(cause);
  }

 private:
  std::shared_ptr<Inboxes> inboxes_;
  int rank_;
};

}  // namespace
}  // namespace local

LocalHub::LocalHub(int num_ranks)
    : inboxes_(std::make_shared<local::Inboxes>(num_ranks)) {}

std::unique_ptr<Transport> LocalHub::transport(int rank) {
  check(
      rank >= 0 && rank < inboxes_->size(), "the rank must belong to the hub");
  return std::make_unique<local::LocalTransport>(inboxes_, rank);
}

}  // namespace pp
