#include "runtime/run/output_lock.h"

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "loader/archive/atomic_file.h"
#include "loader/archive/folders.h"
#include "loader/archive/named_file.h"
#include "loader/core/error.h"
#include "runtime/launch/process_id.h"
#include "runtime/rank/failure.h"

namespace pp {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

// A job that was stopped ends within a second.
constexpr std::chrono::seconds kPatience{2};
constexpr std::chrono::milliseconds kLookEvery{50};

/// Two lines: the host's name, and the process as process_id.h writes it.
struct Owner {
  std::string host;
  ProcessId process;
};

Owner owner_of(const fs::path& path) {
  try {
    const std::string text = read_file(path);
    const size_t end = text.find('\n');
    if (end == std::string::npos) {
      return {};
    }
    std::string process = text.substr(end + 1);
    while (process.ends_with('\n')) {
      process.pop_back();
    }
    return {text.substr(0, end), parse_process(process)};
  } catch (const Error&) {
    return {};  // it has gone
  }
}

std::string text_of(const Owner& owner) {
  return owner.host.empty() ? "another process"
                            : "process " + std::to_string(owner.process.pid) +
                                  " on host " + owner.host;
}

}  // namespace

bool is_stale_lock(const fs::path& path) {
  const Owner owner = owner_of(path);
  return owner.host.empty() || liveness(owner.process) == Liveness::Dead;
}

OutputLock::OutputLock(const fs::path& dir)
    : dir_(dir), path_(dir / ".lock"), existing_(nearest_that_exists(dir)) {
  make_output_folder(dir_);
  const auto deadline = Clock::now() + kPatience;
  while (!try_take()) {
    if (Clock::now() > deadline) {
      throw usage_error(
          "output.dir " + dir_.string() + " is in use by another job, " +
          text_of(owner_of(path_)) +
          "; wait for it to end, or name another folder");
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

bool OutputLock::try_take() {
  constexpr mode_t kMode = 0666;
  const int file = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode);
  if (file < 0) {
    throw runtime_error(
        path_.string() +
        ": cannot lock the folder: " + std::generic_category().message(errno));
  }
  const bool has_lock = flock(file, LOCK_EX | LOCK_NB) == 0;
  const bool no_locks = !has_lock && errno != EWOULDBLOCK && errno != EINTR;
  // The previous owner may remove the lock file before we lock it.
  if ((has_lock && !is_named(path_, file)) ||
      (!has_lock && !(no_locks && is_stale_lock(path_)))) {
    close(file);
    return false;
  }
  const std::string text = host_name() + "\n" + to_string(own_process()) + "\n";
  const bool written =
      ftruncate(file, 0) == 0 && pwrite(file, text.data(), text.size(), 0) ==
                                     static_cast<ssize_t>(text.size());
  if (!written) {
    const int reason = errno;
    close(file);
    throw runtime_error(
        path_.string() +
        ": cannot lock the folder: " + std::generic_category().message(reason));
  }
  file_ = file;
  return true;
}

OutputLock::~OutputLock() {
  if (file_ < 0) {
    return;
  }
  std::error_code ignored;
  if (is_named(path_, file_)) {
    fs::remove(path_, ignored);
  }
  close(file_);
  for (fs::path path = dir_; path != existing_ && path.has_relative_path();
       path = path.parent_path()) {
    if (rmdir(path.c_str()) != 0) {
      break;
    }
  }
}

}  // namespace pp
