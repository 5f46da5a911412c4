#pragma once

#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace pp {

/// How a process ended.
struct Exit {
  int code = 0;    ///< exit code, if the process wasn't killed
  int signal = 0;  ///< signal that killed the process; 0: none did
};

/// Returns a text such as "killed by signal 9 (Killed)" or "exited with code
/// 3".
std::string to_string(const Exit& exit);

/// A process that this process started. It can't outlive this process: it is
/// killed when the thread that started it ends, and by the destructor.
class Child {
 public:
  /// Starts the process.
  ///
  /// command      the program, which is searched for in PATH, and its arguments
  /// environment  variables that are added to this process's environment, or
  ///              replace its variables
  /// mask         the signal mask with which the process starts
  /// throws       Error(Usage): the program can't be started
  Child(
      const std::vector<std::string>& command,
      const std::map<std::string, std::string>& environment,
      const sigset_t& mask);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  /// Returns how the process ended; nullopt while it runs.
  std::optional<Exit> poll();
  bool running() { return !poll(); }
  void send_signal(int number);

 private:
  pid_t pid_ = -1;
  std::optional<Exit> exit_;
};

}  // namespace pp
