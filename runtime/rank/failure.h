#pragma once

#include <exception>
#include <string>
#include <vector>

#include "loader/core/error.h"
#include "runtime/rank/activity.h"

namespace pp {

/// The first failure of a job: where it happened and why. to_string() formats
/// it as one line: "rank 1 (host-a), stage 1, microbatch 3, 1F3: operator
/// 'aten.add.Tensor' ..."
struct Cause {
  int rank = -1;
  std::string host;
  int stage = -1;  ///< -1: the rank was not in an action
  int microbatch = -1;
  std::string action;  ///< "1F3"; empty: the rank was not in an action
  ErrorKind kind = ErrorKind::Runtime;
  std::string message;
  /// True if the job was asked to stop, for example by a signal, and did not
  /// fail.
  bool interrupted = false;
  /// True if the rank couldn't report its stage, microbatch and action. They
  /// are then the last ones that were known.
  bool last_seen = false;
  std::vector<std::string> details;  ///< lines to print below the cause
};

/// Sets the stage, microbatch and action of `cause` to what the rank was doing.
void set_place(Cause& cause, const ActivityState& activity);

/// Returns the cause as one line, as shown at Cause, without the details.
std::string to_string(const Cause& cause);
std::string to_json(const Cause& cause);
/// Parses the result of to_json().
/// throws  Error(Runtime): `text` is not a result of to_json()
Cause cause_from_json(const std::string& text);

/// Thrown on every rank once the job's first failure is known. what() is the
/// Cause as text, with its details.
class JobFailed : public Error {
 public:
  explicit JobFailed(Cause cause);
  /// exit_code  the job's exit code, if it differs from that of the cause's
  ///            ErrorKind
  JobFailed(Cause cause, int exit_code);
  const Cause& cause() const { return cause_; }
  int exit_code() const { return exit_code_; }
  /// True if another process, which watches all ranks or prints to the same
  /// console, reports the cause to the user.
  bool told() const { return told_; }
  void set_told(bool told) { told_ = told; }

 private:
  Cause cause_;
  int exit_code_;
  bool told_ = false;
};

/// An error inside an action, with the action's place in the pipeline. The
/// executor throws it.
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
  /// The error message without the stage, microbatch and action that what()
  /// puts in front of it.
  const std::string& reason() const { return reason_; }

 private:
  int stage_;
  int microbatch_;
  std::string action_;
  std::string reason_;
};

/// Returns the cause for an error that was thrown on `rank`, a rank of this
/// machine. A JobFailed keeps its cause. The message becomes one line, and
/// LibTorch's errors lose their backtrace.
Cause cause_of(const std::exception_ptr& error, int rank);

/// Returns the name of this machine: PP_HOST if it is set, else the host name.
std::string host_name();

}  // namespace pp
