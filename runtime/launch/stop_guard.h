#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace pp {

/// Makes sure that a request to stop ends a rank, even while the rank waits for
/// an answer that the store doesn't give.
class StopGuard {
 public:
  /// end  a function that is called on a thread of this object 2 s after the
  ///      request, and then every 2 s; its argument is the number of the call:
  ///      1, 2, ...
  StopGuard(std::stop_token stop, std::function<void(int)> end);
  StopGuard(const StopGuard&) = delete;
  StopGuard& operator=(const StopGuard&) = delete;
  ~StopGuard();

 private:
  void run();

  const std::stop_token stop_;
  const std::function<void(int)> end_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool done_ = false;
  std::thread thread_;
};

}  // namespace pp
