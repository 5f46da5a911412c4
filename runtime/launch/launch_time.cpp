#include "runtime/launch/launch_time.h"

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <time.h>
#include <unistd.h>

namespace pp {

namespace {

using std::chrono::nanoseconds;
using std::chrono::system_clock;

struct Process {
  int parent = 0;
  long long start_ticks = 0;  ///< since boot
};

std::optional<Process> read_process(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  // The name in parentheses may contain anything.
  const size_t end = line.rfind(") ");
  if (end == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream fields(line.substr(end + 2));
  Process process;
  std::string skipped;
  fields >> skipped >> process.parent;
  constexpr int kFieldsBetween = 17;
  for (int i = 0; i < kFieldsBetween; ++i) {
    fields >> skipped;
  }
  fields >> process.start_ticks;
  return fields ? std::optional(process) : std::nullopt;
}

/// Whether the process is a descendant of torchrun. Nothing if its environment
/// can't be read.
std::optional<bool> is_worker(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ");
  if (!file) {
    return std::nullopt;
  }
  const std::string environment(
      (std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return ('\0' + environment).find(std::string("\0TORCHELASTIC_RUN_ID=", 21)) !=
         std::string::npos;
}

nanoseconds read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

}  // namespace

std::optional<system_clock::time_point> torchrun_start() {
  int pid = static_cast<int>(getpid());
  while (pid >= 1) {  // torchrun is process 1 of a container
    const auto worker = is_worker(pid);
    const auto process = read_process(pid);
    if (!worker || !process) {
      return std::nullopt;
    }
    if (!*worker) {
      if (pid == getpid()) {
        return std::nullopt;
      }
      const nanoseconds booted =
          read_clock(CLOCK_REALTIME) - read_clock(CLOCK_BOOTTIME);
      const nanoseconds after = std::chrono::milliseconds(
          1000 * process->start_ticks / sysconf(_SC_CLK_TCK));
      return system_clock::time_point(
          std::chrono::duration_cast<system_clock::duration>(booted + after));
    }
    pid = process->parent;
  }
  return std::nullopt;
}

}  // namespace pp
