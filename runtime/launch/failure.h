#pragma once

#include <exception>
#include <string>

#include "loader/core/error.h"

namespace pp {

/// Where and why a job failed first. One line by to_string:
/// "rank 1 (host-a), stage 1, microbatch 3, 1F3: operator 'aten.add.Tensor'
/// ..."
struct Cause {
  int rank = -1;
  std::string host;
  int stage = -1;  ///< -1: not in an action
  int microbatch = -1;
  std::string action;  ///< "1F3"; empty: not in an action
  ErrorKind kind = ErrorKind::Runtime;
  std::string message;
  /// A signal or another request to stop, not a failure.
  bool interrupted = false;
};

std::string to_string(const Cause& cause);
std::string to_json(const Cause& cause);
Cause cause_from_json(const std::string& text);

/// Thrown on every rank once the first cause is known.
class JobFailed : public Error {
 public:
  explicit JobFailed(Cause cause);
  const Cause& cause() const { return cause_; }

 private:
  Cause cause_;
};

/// An error with its place in the pipeline; thrown by the executor.
class ActionFailed : public Error {
 public:
  ActionFailed(
      ErrorKind kind,
      int stage,
      int microbatch,
      std::string action,
      const std::string& message);
  int stage() const { return stage_; }
  int microbatch() const { return microbatch_; }
  const std::string& action() const { return action_; }
  /// What went wrong, without the place that what() starts with.
  const std::string& reason() const { return reason_; }

 private:
  int stage_;
  int microbatch_;
  std::string action_;
  std::string reason_;
};

/// The cause of a job's failure that `error`, thrown on `rank` of this machine,
/// stands for: a JobFailed is its own cause; LibTorch's errors come without
/// their backtrace; one line.
Cause cause_of(const std::exception_ptr& error, int rank);

/// The name of this machine.
std::string host_name();

}  // namespace pp
