#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "loader/core/error.h"
#include "runtime/transport/message.h"

namespace pp {

/// An operation under way. Destroying it without wait() abandons it; a send
/// still keeps its memory until it is out.
class Pending {
 public:
  virtual ~Pending() = default;

  /// Blocks until done. For a receive: the message; for a send: one without
  /// tensors. Called once, by the rank's own thread.
  /// throws Error(Runtime): the timeout passed, the peer is gone (named), or
  ///        the transport was interrupted (the interrupt's cause)
  virtual Message wait(std::chrono::milliseconds timeout) = 0;
};

/// Moves messages between this rank and its peers. First in, first out for
/// each ordered pair of ranks; no tags. send() and recv() do not block on the
/// peer. The message's tensors belong to the transport from send() on and must
/// not be written; received memory belongs to the receiver alone, except that
/// thread ranks share what they hand over and nobody writes it.
///
/// Destroying a transport closes its connections, and a wire may lose what a
/// peer has not received by then: launchers keep it until every rank is done.
class Transport {
 public:
  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Both throw as Pending::wait does where the peer is known to be gone, or
  /// after an interrupt. A send's wait() may last until the peer has called
  /// recv(): two ranks that wait for their sends before they receive wait for
  /// each other.
  virtual std::unique_ptr<Pending> send(Message message, int to) = 0;
  virtual std::unique_ptr<Pending> recv(int from) = 0;

  /// Wakes every wait of this rank, now and from now on, with `cause`. Any
  /// thread; the first cause stays.
  virtual void interrupt(const Error& cause) noexcept = 0;
};

}  // namespace pp
