#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "runtime/transport/gloo/interruptible_wait.h"
#include "runtime/transport/message.h"

namespace pp {

/// Sends and receives the messages of one rank over a Gloo process group. Only
/// one thread may use it, except for waiter().interrupt().
///
/// Gloo sends a part of a message only after the receiver has announced memory
/// for it, which takes as long as sending the part itself. So receives are
/// posted in advance for the headers of the next few messages, and for their
/// payloads. The payloads are assumed to have the sizes of those of an earlier
/// message, which both ends know.
class GlooWire {
 public:
  /// A send or receive of a part of a message, and its memory.
  struct Part {
    Work work;
    at::Tensor memory;
  };

  /// A receive in progress, which recv() has begun.
  struct Receive {
    enum class Step { Header, Description, Payloads };

    Step step = Step::Header;  ///< part to receive next
    std::optional<Part> description;
    std::deque<Part> payloads;
    Message message;
  };

  GlooWire(
      c10::intrusive_ptr<c10d::ProcessGroupGloo> group,
      std::chrono::milliseconds grace);

  int rank() const { return group_->getRank(); }
  int size() const { return group_->getSize(); }
  InterruptibleWait& waiter() { return waiter_; }

  /// Begins to send a message. Returns the parts to wait for, in order.
  std::deque<Part> send(const Message& message, int to);
  /// Waits until all parts are sent. Removes each part from `parts` once it is
  /// sent.
  void wait_sent(
      std::deque<Part>& parts, int to, std::chrono::milliseconds timeout);

  std::shared_ptr<Receive> recv(int from);
  Message wait_received(
      const std::shared_ptr<Receive>& receive,
      int from,
      std::chrono::milliseconds timeout);

  /// Keeps the memory of parts that no call will wait for any more.
  void abandon(std::deque<Part> parts, int peer);

 private:
  /// The size in bytes of each payload of a message.
  using Sizes = std::vector<size_t>;

  /// The receives for one message that were posted before recv() was called for
  /// it.
  struct Posted {
    Part header;
    std::deque<Part> payloads;

    Sizes payload_sizes() const;
  };

  /// The messages in flight between this rank and one peer.
  struct Peer {
    Peer();

    /// Receives posted for the next messages from the peer; empty before the
    /// first recv().
    std::deque<Posted> posted;
    /// For each of the next messages to the peer, the sizes of the payloads for
    /// which the peer has posted receives.
    std::deque<Sizes> announced;
    /// Receives whose payloads have no memory yet, in the order of recv().
    std::deque<std::shared_ptr<Receive>> open;
    /// Parts that no call waits for any more, mostly after a failure. Their
    /// memory must stay until the end.
    std::deque<Part> abandoned;
  };

  static Sizes announced_after(const Sizes& sizes);
  static bool has_begun(const Part& header);

  void progress();
  const Part& next_part(int from) const;
  void post_ahead(int from, const Sizes& sizes);
  void advance(int from);
  Sizes post_payloads(
      std::span<const std::byte> header,
      std::span<const std::byte> description,
      Posted& posted,
      int from,
      Receive& receive);
  Part post_send(at::Tensor memory, int to, int tag);
  Part post_recv(at::Tensor memory, int from, int tag);

  // Destroyed last, because works refer to the group's connections.
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
  InterruptibleWait waiter_;
  std::vector<Peer> peers_;
};

}  // namespace pp
