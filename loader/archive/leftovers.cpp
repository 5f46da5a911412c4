#include "loader/archive/leftovers.h"

#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include <signal.h>
#include <unistd.h>

namespace pp {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGone = ".gone";
constexpr std::string_view kOld = ".old";

/// The process id in a name such as `.NAME.pp-PID.old`; 0 if there is none.
/// rest  receives what follows the id
pid_t process_of(
    std::string_view name, std::string_view stem, std::string_view* rest) {
  for (const std::string_view mark : {".pp-", ".tmp."}) {
    const std::string start = "." + std::string(stem) + std::string(mark);
    if (!name.starts_with(start)) {
      continue;
    }
    name.remove_prefix(start.size());
    pid_t process = 0;
    const auto [end, error] =
        std::from_chars(name.data(), name.data() + name.size(), process);
    *rest = name.substr(static_cast<size_t>(end - name.data()));
    if (error == std::errc() && process > 0 &&
        (rest->empty() || rest->front() == '.')) {
      return process;
    }
  }
  return 0;
}

bool is_dead(pid_t process) {
  return ::kill(process, 0) != 0 && errno == ESRCH;
}

void remove_entry(const fs::path& path) {
  std::error_code ignored;
  fs::path gone = path;
  if (fs::is_directory(fs::symlink_status(path, ignored))) {
    // Rename it first, so that no process adds files while it is being removed.
    gone += kGone;
    fs::rename(path, gone, ignored);
  }
  fs::remove_all(gone, ignored);
}

}  // namespace

fs::path output_path(const fs::path& path) {
  fs::path out = fs::absolute(path).lexically_normal();
  return out.has_filename() ? out : out.parent_path();
}

void remove_leftovers(const fs::path& target, LeftBy who) noexcept {
  try {
    const fs::path wanted = output_path(target);
    const std::string stem = wanted.filename().string();
    std::error_code unreadable;
    const bool target_exists = fs::exists(wanted, unreadable);
    for (fs::directory_iterator at(wanted.parent_path(), unreadable), end;
         !unreadable && at != end;
         at.increment(unreadable)) {
      const std::string name = at->path().filename().string();
      std::string_view rest;
      const pid_t process = process_of(name, stem, &rest);
      const bool ours = process == ::getpid();
      // Keep a folder that was moved aside if it is the only copy.
      const bool is_only_copy = rest.starts_with(kOld) && !target_exists;
      if (process != 0 && !is_only_copy &&
          (who == LeftBy::ThisProcess ? ours : !ours && is_dead(process))) {
        remove_entry(at->path());
      }
    }
  } catch (const std::exception&) {  // out of memory, or no working folder
    return;
  }
}

}  // namespace pp
