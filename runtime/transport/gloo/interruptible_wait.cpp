#include "runtime/transport/gloo/interruptible_wait.h"

#include <algorithm>

#include "runtime/transport/errors.h"

namespace pp {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

void InterruptibleWait::interrupt(const Error& cause) noexcept {
  const std::lock_guard lock(mutex_);
  if (cause_) {
    return;
  }
  cause_ = cause;
  if (current_) {
    current_->abort();  // also ends a wait that has not begun
  }
  interrupted_.notify_all();
}

void InterruptibleWait::throw_if_interrupted() {
  const std::lock_guard lock(mutex_);
  throw_cause();
}

void InterruptibleWait::wait(
    const Work& work,
    Clock::time_point deadline,
    milliseconds timeout,
    const char* direction,
    int peer) {
  {
    const std::lock_guard lock(mutex_);
    throw_cause();
    current_ = work;
  }
  bool done = false;
  bool failed = false;
  try {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    // To c10d, zero means its own default.
    done = work->wait(std::max(left, milliseconds{1}));
  } catch (const std::exception&) {
    failed = true;  // late or closed; the clock tells which
  }
  std::unique_lock lock(mutex_);
  current_.reset();
  throw_cause();
  if (failed && Clock::now() >= deadline) {
    throw waited_too_long(timeout, direction, peer);
  }
  if (failed) {
    throw_closed(lock, peer);
  }
  check(done, "only an interrupt may end a wait without a result");
}

void InterruptibleWait::throw_closed(int peer) {
  std::unique_lock lock(mutex_);
  throw_closed(lock, peer);
}

void InterruptibleWait::throw_closed(
    std::unique_lock<std::mutex>& lock, int peer) {
  interrupted_.wait_for(lock, grace_, [&] { return cause_.has_value(); });
  throw_cause();
  throw peer_closed(peer);
}

void InterruptibleWait::throw_cause() const {
  if (cause_) {
    throw Error(*cause_);
  }
}

}  // namespace pp
