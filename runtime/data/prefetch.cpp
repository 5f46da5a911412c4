#include "runtime/data/prefetch.h"

#include <utility>

#include <ATen/Parallel.h>
#include <ATen/ThreadLocalState.h>

namespace pp {

Prefetch::Prefetch(Load load, int64_t end)
    : load_(std::move(load)),
      end_(end),
      thread_([this,
               state = at::ThreadLocalState(),
               num_threads = at::get_num_threads()] {
        const at::ThreadLocalStateGuard as_in_creator(state);
        // Without this call, kernels in this thread would use the number of
        // threads that was set last anywhere in the process.
        at::set_num_threads(num_threads);
        run();
      }) {}

Prefetch::~Prefetch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Prefetch::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || requested_ >= 0; });
    if (stopping_) {
      return;
    }
    const int64_t step = requested_;
    lock.unlock();
    std::vector<Microbatch> rows;
    std::exception_ptr error;
    try {
      rows = load_(step);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    next_ = std::move(rows);
    error_ = error;
    next_step_ = step;
    requested_ = -1;
    changed_.notify_all();
  }
}

std::vector<Microbatch> Prefetch::take(int64_t step) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_idle(); });
  std::vector<Microbatch> rows;
  if (next_step_ == step) {
    if (error_) {
      std::rethrow_exception(std::exchange(error_, nullptr));
    }
    rows = std::move(next_);
  } else {
    rows = load_(step);
  }
  next_.clear();
  next_step_ = -1;
  if (step + 1 < end_) {
    requested_ = step + 1;
    changed_.notify_all();
  }
  return rows;
}

}  // namespace pp
