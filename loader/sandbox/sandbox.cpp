#include "loader/sandbox/sandbox.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <set>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loader/core/error.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

// LANDLOCK_ACCESS_FS_TRUNCATE (Linux 6.2), which Debian 12's headers lack.
constexpr uint64_t kTruncate = uint64_t{1} << 14;
constexpr uint64_t kRead =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr uint64_t kChange =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM;
// Rights that the sandbox controls and never grants.
constexpr uint64_t kNever = LANDLOCK_ACCESS_FS_EXECUTE |
                            LANDLOCK_ACCESS_FS_MAKE_CHAR |
                            LANDLOCK_ACCESS_FS_MAKE_BLOCK;
// The rights that a rule for a file, not a folder, may have.
constexpr uint64_t kOfFiles = LANDLOCK_ACCESS_FS_READ_FILE |
                              LANDLOCK_ACCESS_FS_WRITE_FILE |
                              LANDLOCK_ACCESS_FS_EXECUTE | kTruncate;

// For libraries: other libraries, time zones, host names, processor data.
constexpr std::array kSystemReads = {
    "/usr", "/lib", "/lib64", "/etc", "/run/systemd/resolve", "/proc", "/sys"};
// Shared memory of ranks, and devices that output may go to.
constexpr std::array kSystemWrites = {
    "/dev/shm", "/dev/null", "/dev/tty", "/dev/urandom"};

int create_ruleset(const landlock_ruleset_attr* rules, uint32_t flags) {
  return static_cast<int>(::syscall(
      __NR_landlock_create_ruleset,
      rules,
      rules == nullptr ? 0 : sizeof(*rules),
      flags));
}

/// The folders of the files that this process has mapped: its libraries.
std::set<fs::path> folders_of_libraries() {
  std::set<fs::path> out;
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (std::getline(maps, line)) {
    const size_t path = line.find('/');
    if (path != std::string::npos && line.find(".so") != std::string::npos) {
      out.insert(fs::path(line.substr(path)).parent_path());
    }
  }
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  out.insert(program.parent_path());  // plug-ins lie beside it
  return out;
}

/// Returns `path`, or its nearest existing ancestor if it doesn't exist.
fs::path existing(const fs::path& path) {
  std::error_code error;
  fs::path out = fs::absolute(path, error).lexically_normal();
  while (!fs::exists(out, error) && out.has_relative_path()) {
    out = out.parent_path();
  }
  return out;
}

/// The symbolic links in a folder. A rule for the folder doesn't cover their
/// targets, so each link needs a rule (caches of downloaded models have links).
std::vector<fs::path> links_in(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_symlink(error)) {
      out.push_back(entry.path());
    }
  }
  return out;
}

/// Owns a Landlock ruleset of the kernel.
class Ruleset {
 public:
  explicit Ruleset(int version)
      : changes_(
            kChange | (version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) |
            (version >= 3 ? kTruncate : 0)) {
    landlock_ruleset_attr rules{};
    rules.handled_access_fs = kRead | changes_ | kNever;
    descriptor_ = create_ruleset(&rules, 0);
    check_call(descriptor_ >= 0);
  }
  ~Ruleset() { ::close(descriptor_); }
  Ruleset(const Ruleset&) = delete;
  Ruleset& operator=(const Ruleset&) = delete;

  void allow_reading(const fs::path& path) const { allow(path, kRead); }
  void allow_writing(const fs::path& path) const {
    allow(path, kRead | changes_);
  }

  void enforce() const {
    check_call(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    check_call(::syscall(__NR_landlock_restrict_self, descriptor_, 0U) == 0);
  }

 private:
  static void check_call(bool worked) {
    if (!worked) {
      throw runtime_error(
          std::string("can't enter the sandbox: ") + std::strerror(errno) +
          "; use --no-sandbox to run without it");
    }
  }

  void allow(const fs::path& path, uint64_t rights) const {
    const int place = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (place < 0) {
      return;  // a path that doesn't exist needs no rule
    }
    struct stat status {};
    const bool is_folder =
        ::fstat(place, &status) == 0 && S_ISDIR(status.st_mode);
    landlock_path_beneath_attr rule{};
    rule.allowed_access = is_folder ? rights : rights & kOfFiles;
    rule.parent_fd = place;
    const bool added = ::syscall(
                           __NR_landlock_add_rule,
                           descriptor_,
                           LANDLOCK_RULE_PATH_BENEATH,
                           &rule,
                           0U) == 0;
    ::close(place);
    check_call(added);
  }

  uint64_t changes_;
  int descriptor_ = -1;
};

}  // namespace

std::string enter_sandbox(const SandboxRules& rules) {
  const int version = create_ruleset(nullptr, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) {
    return "the kernel has no Landlock";
  }
  const Ruleset ruleset(version);
  for (const char* path : kSystemReads) {
    ruleset.allow_reading(path);
  }
  for (const char* path : kSystemWrites) {
    ruleset.allow_writing(path);
  }
  for (const fs::path& path : folders_of_libraries()) {
    ruleset.allow_reading(path);
  }
  for (const fs::path& path : rules.reads) {
    ruleset.allow_reading(path);
    for (const fs::path& link : links_in(path)) {
      ruleset.allow_reading(link);
    }
  }
  for (const fs::path& path : rules.writes) {
    ruleset.allow_writing(existing(path));
  }
  ruleset.enforce();
  return {};
}

}  // namespace pp
