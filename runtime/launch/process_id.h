#pragma once

#include <string>

namespace pp {

/// A process, so that others on its machine can look whether it lives.
struct ProcessId {
  std::string machine;  ///< equal where process numbers mean the same
  int pid = 0;
};

ProcessId own_process();

std::string to_string(const ProcessId& process);
/// What to_string gave; an empty `machine` where the text is something else.
ProcessId parse_process(const std::string& text);

enum class Liveness {
  Alive,
  Stopped,  ///< by a signal or a debugger; it may go on
  Dead,     ///< no such process, or one that only waits to be reaped
  Unknown,  ///< it is on another machine
};
Liveness liveness(const ProcessId& process);

}  // namespace pp
