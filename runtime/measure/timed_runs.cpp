#include "runtime/measure/timed_runs.h"

#include <chrono>

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

namespace pp {

namespace {

using Clock = std::chrono::steady_clock;

/// Sets LibTorch's number of threads, and restores the caller's at the end.
class ThreadsGuard {
 public:
  explicit ThreadsGuard(int count) : before_(at::get_num_threads()) {
    at::set_num_threads(count);
  }
  ~ThreadsGuard() { at::set_num_threads(before_); }
  ThreadsGuard(const ThreadsGuard&) = delete;
  ThreadsGuard& operator=(const ThreadsGuard&) = delete;

 private:
  int before_;
};

}  // namespace

void run_passes(
    const MeasureOptions& options, const std::function<void(bool)>& pass) {
  const ThreadsGuard threads(options.threads);
  const c10::AutoGradMode no_grad(false);
  for (int i = 0; i < options.warm_up; ++i) {
    pass(false);
  }
  const auto end =
      Clock::now() + std::chrono::duration<double>(options.seconds);
  for (int i = 0; i < options.max_passes; ++i) {
    if (i >= options.min_passes && Clock::now() > end) {
      return;
    }
    pass(true);
  }
}

uint64_t time_of(const std::function<void()>& work) {
  const Clock::time_point start = Clock::now();
  work();
  return static_cast<uint64_t>(
      std::chrono::nanoseconds(Clock::now() - start).count());
}

}  // namespace pp
