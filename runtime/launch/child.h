#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/types.h>

namespace pp {

/// How a process ended.
struct Exit {
  int code = 0;    ///< if it was not killed
  int signal = 0;  ///< 0: not killed
};

/// "killed by signal 9 (Killed)", "exited with code 3"
std::string to_string(const Exit& exit);

/// A process that this one started. It can't outlive this one: it is killed
/// when the thread that started it ends, and by the destructor.
class Child {
 public:
  /// command      argv; the program is looked for along PATH
  /// environment  added to this process's, or in place of it
  /// mask         the signal mask to start with
  /// throws Error(Usage): the program can't be started
  Child(
      const std::vector<std::string>& command,
      const std::map<std::string, std::string>& environment,
      const sigset_t& mask);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  /// How it ended; nothing while it runs.
  std::optional<Exit> poll();
  bool running() { return !poll(); }
  void send_signal(int number);

 private:
  pid_t pid_;
  std::optional<Exit> exit_;
};

}  // namespace pp
