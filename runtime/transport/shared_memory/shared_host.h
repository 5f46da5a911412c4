#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "loader/core/error.h"
#include "runtime/transport/shared_memory/shared_link.h"

namespace pp {

/// This rank and its links to the other ranks of its host. Only one thread may
/// use it, except for interrupt().
class SharedHost {
 public:
  /// grace  how long to wait for interrupt() after a connection has closed, see
  ///        ConnectOptions
  /// spin   whether every rank of this host has its own core
  SharedHost(
      int rank,
      int size,
      std::shared_ptr<SharedSegment> control,
      const std::map<int, SharedPeer>& peers,
      std::chrono::milliseconds grace,
      bool spin);

  int rank() const { return rank_; }
  int size() const { return size_; }
  SharedLink& link(int peer);

  /// send() and post() begin a send or a receive, and return its ticket.
  uint64_t send(const Message& message, int to);
  uint64_t post(int from);

  /// wait_sent() and wait_received() throw what Pending::wait throws.
  void wait_sent(int to, uint64_t ticket, std::chrono::milliseconds timeout);
  Message wait_received(
      int from, uint64_t ticket, std::chrono::milliseconds timeout);

  /// Makes every wait throw `cause`. Any thread may call it.
  void interrupt(const Error& cause) noexcept;
  /// Tells the peers that no more messages will follow.
  void close();

 private:
  shared::Control& own() { return shared::control_of(*segment_); }

  void publish_all();
  void progress();
  void throw_if_interrupted();
  [[noreturn]] void throw_closed(int peer);
  template <typename Done>
  void wait(
      int peer,
      const char* direction,
      std::chrono::milliseconds timeout,
      Done done);

  const int rank_;
  const int size_;
  std::shared_ptr<SharedSegment> segment_;
  BlockPool pool_;
  std::map<int, SharedLink> links_;
  const std::chrono::milliseconds grace_;
  const bool spin_;
  std::atomic<bool> interrupted_{false};
  std::mutex mutex_;
  std::optional<Error> cause_;
};

}  // namespace pp
