#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "loader/core/error.h"
#include "runtime/transport/message.h"

namespace pp {

/// A send or receive in flight. Destroying it without wait() abandons it; a
/// send keeps its memory until the message is sent.
class Pending {
 public:
  virtual ~Pending() = default;

  /// Blocks until done. Returns the message for a receive, an empty one for a
  /// send. Called once, by the rank's own thread.
  /// throws Error(Runtime): the timeout passed, the peer is gone (named), or
  ///        the transport was interrupted (the interrupt's cause)
  virtual Message wait(std::chrono::milliseconds timeout) = 0;
};

/// Moves messages between this rank and its peers. First in, first out for
/// each ordered pair of ranks; no tags. send() and recv() do not block on the
/// peer. From send() on, the message's tensors belong to the transport and must
/// not be written. Received memory belongs to the receiver alone, except that
/// thread ranks share the tensors they hand over, and nobody writes them.
///
/// Destroying a transport closes its connections, and a wire may lose what a
/// peer hasn't received by then, so launchers keep it until every rank is done.
class Transport {
 public:
  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Begin a send or a receive. Both throw as Pending::wait does if the peer is
  /// known to be gone, or after an interrupt. A send's wait() may last until
  /// the peer has called recv(): two ranks that both wait for their sends
  /// before they receive deadlock.
  virtual std::unique_ptr<Pending> send(Message message, int to) = 0;
  virtual std::unique_ptr<Pending> recv(int from) = 0;

  /// Makes every wait of this rank, present and future, throw `cause`. Any
  /// thread may call it; the first cause stays.
  virtual void interrupt(const Error& cause) noexcept = 0;
};

}  // namespace pp
