#include "runtime/launch/stop_guard.h"

#include <chrono>
#include <utility>

namespace pp {

StopGuard::StopGuard(std::stop_token stop, std::function<void(int)> end)
    : stop_(std::move(stop)), end_(std::move(end)) {
  thread_ = std::thread([this] { run(); });
}

StopGuard::~StopGuard() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void StopGuard::run() {
  constexpr std::chrono::seconds kEvery{2};
  std::unique_lock lock(mutex_);
  const auto is_done = [this] { return done_; };
  changed_.wait(lock, stop_, is_done);
  for (int call = 1; !changed_.wait_for(lock, kEvery, is_done); ++call) {
    lock.unlock();
    end_(call);
    lock.lock();
  }
}

}  // namespace pp
