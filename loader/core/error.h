#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace pp {

/// The origin of an error. The enumerator's number is the exit code of `pp`.
enum class ErrorKind {
  Usage = 2,    ///< command line or job file is wrong or unfit for the model
  Input = 3,    ///< unusable file: a model, stages, data, a checkpoint
  Runtime = 4,  ///< a failure while running: operator, shape, peer, disk
  Verify = 5,   ///< `pp verify` found a difference
};

/// An error that a user, a file or a peer can cause. The message is one line:
/// what was found, where, and what would be right.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message)
      : std::runtime_error(message), kind_(kind) {}

  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

inline Error usage_error(const std::string& message) {
  return {ErrorKind::Usage, message};
}
inline Error input_error(const std::string& message) {
  return {ErrorKind::Input, message};
}
inline Error runtime_error(const std::string& message) {
  return {ErrorKind::Runtime, message};
}

/// Throws std::logic_error about a failed check(), which only a bug in pp can
/// cause.
[[noreturn]] void check_failed(
    std::string_view what, const char* file, int line);

/// Checks a condition that only a bug in pp can violate. Don't use check() on
/// input.
/// throws  std::logic_error: the condition is false
inline void check(
    bool holds,
    std::string_view what,
    const char* file = __builtin_FILE(),
    int line = __builtin_LINE()) {
  if (!holds) {
    check_failed(what, file, line);
  }
}

}  // namespace pp
