#pragma once

#include <optional>
#include <string>

#include "loader/core/error.h"

namespace pp {

/// Where and why a job failed first. One line by to_string:
/// "rank 1 (host-a), stage 1, microbatch 3, 1F3: operator 'aten.add.Tensor' ..."
struct Cause {
  int rank = -1;
  std::string host;
  int stage = -1;       ///< -1: not in an action
  int microbatch = -1;
  std::string action;   ///< "1F3"; empty: not in an action
  ErrorKind kind = ErrorKind::Runtime;
  std::string message;
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

 private:
  int stage_;
  int microbatch_;
  std::string action_;
};

}  // namespace pp
