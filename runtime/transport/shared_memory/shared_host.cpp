#include "runtime/transport/shared_memory/shared_host.h"

#include <algorithm>
#include <utility>

#include "runtime/transport/errors.h"

namespace pp {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

SharedHost::SharedHost(
    int rank,
    int size,
    std::shared_ptr<SharedSegment> control,
    const std::map<int, SharedPeer>& peers,
    milliseconds grace,
    bool spin)
    : rank_(rank),
      size_(size),
      segment_(std::move(control)),
      pool_(own()),
      grace_(grace),
      spin_(spin) {
  for (const auto& [peer, end] : peers) {
    links_.emplace(
        std::piecewise_construct,
        std::forward_as_tuple(peer),
        std::forward_as_tuple(rank, peer, own(), end));
  }
}

SharedLink& SharedHost::link(int peer) {
  const auto found = links_.find(peer);
  check(found != links_.end(), "the peer must be a connected rank");
  return found->second;
}

uint64_t SharedHost::send(const Message& message, int to) {
  progress();
  if (link(to).is_closed()) {
    throw_closed(to);
  }
  return link(to).send(message, pool_);
}

uint64_t SharedHost::post(int from) {
  progress();
  return link(from).post();
}

void SharedHost::wait_sent(int to, uint64_t ticket, milliseconds timeout) {
  wait(to, "to", timeout, [&] { return link(to).is_wanted(ticket); });
}

Message SharedHost::wait_received(
    int from, uint64_t ticket, milliseconds timeout) {
  SharedLink& source = link(from);
  wait(from, "from", timeout, [&] {
    source.pull();
    return source.queue.has(ticket);
  });
  return source.queue.take(ticket);
}

void SharedHost::interrupt(const Error& cause) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!cause_) {
      cause_ = cause;
    }
  }
  interrupted_.store(true);
  own().bell.ring();
}

void SharedHost::close() {
  publish_all();
  own().closed.store(1);
  for (auto& [peer, link] : links_) {
    link.control().bell.ring();
  }
}

void SharedHost::publish_all() {
  for (auto& [peer, link] : links_) {
    link.publish();
  }
}

void SharedHost::progress() {
  throw_if_interrupted();
  publish_all();
}

void SharedHost::throw_if_interrupted() {
  if (interrupted_.load()) {
    const std::lock_guard lock(mutex_);
    throw Error(*cause_);
  }
}

void SharedHost::throw_closed(int peer) {
  own().bell.wait(Clock::now() + grace_, /*spin=*/false, [&] {
    return interrupted_.load();
  });
  throw_if_interrupted();
  throw peer_closed(peer);
}

template <typename Done>
void SharedHost::wait(
    int peer, const char* direction, milliseconds timeout, Done done) {
  bool is_done = false;
  bool closed = false;
  const auto deadline = Clock::now() + std::min(timeout, kLongest);
  own().bell.wait(deadline, spin_, [&] {
    publish_all();
    // In this order: a message sent before closing is still received.
    closed = link(peer).is_closed();
    is_done = done();
    return is_done || closed || interrupted_.load();
  });
  throw_if_interrupted();
  if (!is_done && closed) {
    throw_closed(peer);
  }
  if (!is_done) {
    throw waited_too_long(timeout, direction, peer);
  }
}

}  // namespace pp
