#pragma once

#include <string>

namespace pp {

/// Identifies a process, so that others on its machine can check on it.
struct ProcessId {
  std::string machine;  ///< equal for processes that share process numbers
  int pid = 0;
};

ProcessId own_process();

std::string to_string(const ProcessId& process);
/// Reads what to_string() wrote; `machine` is empty for any other text.
ProcessId parse_process(const std::string& text);

enum class Liveness {
  Alive,
  Stopped,  ///< by a signal or a debugger; it may continue
  Dead,     ///< no such process, or one that only waits to be reaped
  Unknown,  ///< it is on another machine
};
Liveness liveness(const ProcessId& process);

}  // namespace pp
