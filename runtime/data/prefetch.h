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

/// Reads the next step's rows on a separate thread while the current step runs.
/// Holds the rows of at most one step.
class Prefetch {
 public:
  using Load = std::function<std::vector<Microbatch>(int64_t step)>;

  /// load  reads a step's rows; must be thread safe, and what it refers to must
  ///       outlive this object
  /// end   one more than the last step that will be requested
  Prefetch(Load load, int64_t end);
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;
  ~Prefetch();

  /// Returns the rows of a step. They have been read in advance if the previous
  /// call was for the preceding step.
  ///
  /// throws  what `load` throws
  std::vector<Microbatch> take(int64_t step);

 private:
  void run();
  bool is_idle() const { return requested_ < 0; }

  const Load load_;
  const int64_t end_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t requested_ = -1;  ///< step that the thread has to read; -1: none
  bool stopping_ = false;
  int64_t next_step_ = -1;  ///< step that has been read into next_; -1: none
  std::vector<Microbatch> next_;
  std::exception_ptr error_;  ///< why next_ could not be read
  std::thread thread_;
};

}  // namespace pp
