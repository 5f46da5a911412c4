#pragma once

#include <csignal>
#include <cstdlib>

#include <c10/util/Logging.h>

namespace pp {

/// While an object of this class exists, LibTorch logs only errors, unless
/// TORCH_CPP_LOG_LEVEL is set. Without it, c10d prints a warning with a page of
/// stack trace when a connection ends; pp prints one line with the cause.
class QuietC10d {
 public:
  QuietC10d() {
    if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) {
      constexpr int kErrors = 2;
      FLAGS_caffe2_log_level = kErrors;
    }
  }
  QuietC10d(const QuietC10d&) = delete;
  QuietC10d& operator=(const QuietC10d&) = delete;
  ~QuietC10d() { FLAGS_caffe2_log_level = before_; }

 private:
  int before_ = FLAGS_caffe2_log_level;
};

/// While an object of this class exists, a write to a connection that the peer
/// closed fails with an error. Otherwise SIGPIPE would end the process, because
/// Gloo doesn't prevent it.
class BrokenPipesAreErrors {
 public:
  BrokenPipesAreErrors() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, &before_);
  }
  BrokenPipesAreErrors(const BrokenPipesAreErrors&) = delete;
  BrokenPipesAreErrors& operator=(const BrokenPipesAreErrors&) = delete;
  ~BrokenPipesAreErrors() { sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_ {};
};

}  // namespace pp
