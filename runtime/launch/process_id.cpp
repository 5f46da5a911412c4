#include "runtime/launch/process_id.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <unistd.h>

namespace pp {

namespace {

/// Identifies this boot of the kernel and the namespace of its process numbers.
std::string machine_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  file >> boot;
  std::error_code unreadable;
  const auto space =
      std::filesystem::read_symlink("/proc/self/ns/pid", unreadable);
  return boot + " " + space.string();
}

/// The state of a process: 'R', 'S', 'T', 'Z', ...; 0 if there is none.
char state_of(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // The name in parentheses may contain anything.
  const size_t end = line.rfind(") ");
  return end == std::string::npos ? '\0' : line[end + 2];
}

}  // namespace

ProcessId own_process() {
  return {machine_id(), static_cast<int>(getpid())};
}

std::string to_string(const ProcessId& process) {
  return std::to_string(process.pid) + " " + process.machine;
}

ProcessId parse_process(const std::string& text) {
  ProcessId process;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, process.pid);
  if (error == std::errc{} && stop != end) {
    process.machine = std::string(stop + 1, end);
  }
  return process;
}

Liveness liveness(const ProcessId& process) {
  if (process.machine.empty() || process.machine != machine_id()) {
    return Liveness::Unknown;
  }
  const char state = state_of(process.pid);
  switch (state) {
    case '\0':
    case 'Z':
    case 'X':
      return Liveness::Dead;
    case 'T':
    case 't':
      return Liveness::Stopped;
    default:
      return Liveness::Alive;
  }
}

}  // namespace pp
