#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/data/data_loader.h"

namespace pp {

/// Reads the next step's rows on a thread of its own while one runs. Holds at
/// most one step that nobody has taken yet.
class Prefetch {
 public:
  using Load = std::function<std::vector<Microbatch>(int64_t step)>;

  /// load  thread safe; what it refers to must outlive this
  /// end   one past the last step that will be asked for
  Prefetch(Load load, int64_t end);
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;
  ~Prefetch();

  /// The rows of a step, read by now if the one before was asked for last.
  /// throws what `load` throws
  std::vector<Microbatch> take(int64_t step);

 private:
  void run();
  bool loaded() const { return asked_ < 0; }

  const Load load_;
  const int64_t end_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t asked_ = -1;  ///< what the thread is to read; -1: nothing
  bool stopping_ = false;
  int64_t next_step_ = -1;  ///< whose rows are in next_
  std::vector<Microbatch> next_;
  std::exception_ptr error_;  ///< in place of next_
  std::thread thread_;
};

}  // namespace pp
