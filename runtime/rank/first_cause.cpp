#include "runtime/rank/first_cause.h"

namespace pp {

Cause FirstCause::set(const Cause& cause) {
  const std::lock_guard lock(mutex_);
  if (!cause_) {
    cause_ = cause;
    has_cause_.store(true, std::memory_order_release);
    const JobFailed error(cause);
    for (Transport* transport : transports_) {
      transport->interrupt(error);
    }
    changed_.notify_all();
  }
  return *cause_;
}

std::optional<Cause> FirstCause::get() const {
  const std::lock_guard lock(mutex_);
  return cause_;
}

void FirstCause::check() const {
  if (has_cause_.load(std::memory_order_acquire)) {
    throw JobFailed(*get());
  }
}

bool FirstCause::wait_for(std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [&] { return cause_.has_value(); });
}

void FirstCause::attach(Transport& transport) {
  const std::lock_guard lock(mutex_);
  transports_.push_back(&transport);
  if (cause_) {
    transport.interrupt(JobFailed(*cause_));
  }
}

void FirstCause::detach(Transport& transport) {
  const std::lock_guard lock(mutex_);
  std::erase(transports_, &transport);
}

}  // namespace pp
