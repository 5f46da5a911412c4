#pragma once

#include <exception>
#include <string>
#include <vector>

#include "loader/core/error.h"
#include "runtime/launch/activity.h"

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
  /// The place is where the rank was when it was last heard of.
  bool last_seen = false;
  std::vector<std::string> details;  ///< lines to print below, if any
};

/// Takes stage, microbatch and action from what the rank was at.
void set_place(Cause& cause, const Doing& doing);

/// Without the details.
std::string to_string(const Cause& cause);
std::string to_json(const Cause& cause);
Cause cause_from_json(const std::string& text);

/// Thrown on every rank once the first cause is known. what() has its details.
class JobFailed : public Error {
 public:
  explicit JobFailed(Cause cause);
  /// exit_code  of the job, where it is not the cause's kind
  JobFailed(Cause cause, int exit_code);
  const Cause& cause() const { return cause_; }
  int exit_code() const { return exit_code_; }
  /// Somebody else tells the user, who watches this process and all others.
  bool told() const { return told_; }
  void set_told(bool told) { told_ = told; }

 private:
  Cause cause_;
  int exit_code_;
  bool told_ = false;
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

/// The name of this machine, or what PP_HOST says it is to be called.
std::string host_name();

}  // namespace pp
