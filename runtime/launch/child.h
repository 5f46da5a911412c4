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
  int code = 0;    ///< exit code, unless it was killed
  int signal = 0;  ///< signal that killed it; 0: not killed
};

/// "killed by signal 9 (Killed)", "exited with code 3"
std::string to_string(const Exit& exit);

/// A process that this one started. It can't outlive this process: it is killed
/// when the thread that started it ends, and by the destructor.
class Child {
 public:
  /// Starts the process.
  ///
  /// command      argv; the program is searched for in PATH
  /// environment  variables to add to this process's, or to replace there
  /// mask         the signal mask that the process starts with
  /// throws       Error(Usage): the program can't be started
  Child(
      const std::vector<std::string>& command,
      const std::map<std::string, std::string>& environment,
      const sigset_t& mask);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  /// How the process ended; nothing while it runs.
  std::optional<Exit> poll();
  bool running() { return !poll(); }
  void send_signal(int number);

 private:
  pid_t pid_ = -1;
  std::optional<Exit> exit_;
};

}  // namespace pp
