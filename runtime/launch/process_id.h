#pragma once

#include <string>

namespace pp {

/// Identifies a process, so that other processes on its machine can check
/// whether it lives.
struct ProcessId {
  /// Equal for processes that can see each other's process numbers.
  std::string machine;
  int pid = 0;
};

ProcessId own_process();

std::string to_string(const ProcessId& process);
/// Parses a result of to_string(). `machine` is empty for any other text.
ProcessId parse_process(const std::string& text);

enum class Liveness {
  Alive,
  Stopped,  ///< stopped by a signal or a debugger; it may continue
  Dead,     ///< there is no such process, or it is a zombie
  Unknown,  ///< the process is on another machine
};
Liveness liveness(const ProcessId& process);

}  // namespace pp
