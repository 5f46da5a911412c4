#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace pp {

/// What went wrong, by who can mend it. The value is the exit code of `pp`.
enum class ErrorKind {
  Usage = 2,    ///< command line or job file, alone or against the model
  Input = 3,    ///< a file: model, stages, data, checkpoint
  Runtime = 4,  ///< it failed while running: operator, shape, peer, disk
  Verify = 5,   ///< `pp verify` found a difference
};

/// Everything a user, a file or a peer can cause. The message says what was
/// found, where, and what would be right, in one line.
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

/// Ends in std::logic_error: only a fault in pp itself can get here.
[[noreturn]] void check_failed(
    std::string_view what,
    const char* file,
    int line);

/// States what must hold unless pp has a bug. Not for input of any kind.
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
