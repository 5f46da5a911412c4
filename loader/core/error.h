#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace pp {

/// The origin of an error. The value is the exit code of `pp`.
enum class ErrorKind {
  Usage =
      2,  ///< the command line or job file, also if it doesn't fit the model
  Input = 3,    ///< a file: a model, stages, data, a checkpoint
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

/// Throws std::logic_error. Only a bug in pp can cause this.
[[noreturn]] void check_failed(
    std::string_view what, const char* file, int line);

/// Checks what must hold unless pp has a bug. Don't use it to check input.
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
