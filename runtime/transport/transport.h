#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "loader/core/error.h"
#include "runtime/transport/message.h"

namespace pp {

/// A send or receive in flight. Destroying it without wait() abandons it; an
/// abandoned send keeps its memory until the message is sent.
class Pending {
 public:
  virtual ~Pending() = default;

  /// Blocks until the send or receive is done. Returns the message of a
  /// receive, and an empty message for a send. Call it once, on the rank's own
  /// thread.
  /// throws  Error(Runtime): the timeout passed, the peer is gone (names it),
  ///         or the transport was interrupted (the interrupt's cause)
  virtual Message wait(std::chrono::milliseconds timeout) = 0;
};

/// Moves messages between this rank and its peers. For each ordered pair of
/// ranks, messages are first in, first out, without tags. send() and recv() do
/// not wait for the peer. From send() on, the message's tensors belong to the
/// transport and must not be written. Received memory belongs to the receiver
/// alone, except between ranks that are threads: they share the tensors that
/// they hand over, and may not write them.
///
/// Destroying a transport closes its connections, and messages that a peer
/// hasn't received by then may be lost. So launchers keep the transport until
/// every rank is done.
class Transport {
 public:
  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// send() and recv() begin a transfer. Both throw what Pending::wait throws
  /// if the peer is known to be gone, or after an interrupt. A send's wait()
  /// may last until the peer has called recv(), so two ranks deadlock if both
  /// wait for their sends before they receive.
  virtual std::unique_ptr<Pending> send(Message message, int to) = 0;
  virtual std::unique_ptr<Pending> recv(int from) = 0;

  /// Makes every wait of this rank, present and future, throw `cause`. Any
  /// thread may call it. Only the first call has an effect.
  virtual void interrupt(const Error& cause) noexcept = 0;
};

}  // namespace pp
