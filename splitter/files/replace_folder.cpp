#include "splitter/files/replace_folder.h"

#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "loader/archive/leftovers.h"
#include "loader/archive/sync.h"
#include "loader/core/error.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

/// A folder that is removed in the end, unless it is moved into place.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Renames `fresh` to `directory`. An older folder there gets the name of
/// `fresh`, or is removed.
void move_into_place(const fs::path& fresh, const fs::path& directory) {
  if (!fs::exists(directory)) {
    fs::rename(fresh, directory);
    return;
  }
  // Exchange the two if the file system can: then one of them is always there.
  if (::renameat2(
          AT_FDCWD,
          fresh.c_str(),
          AT_FDCWD,
          directory.c_str(),
          RENAME_EXCHANGE) == 0) {
    return;
  }
  const TemporaryFolder aside(fresh.string() + ".old");
  fs::rename(directory, aside.path() / "stages");
  fs::rename(fresh, directory);
}

}  // namespace

void replace_folder(
    const fs::path& directory,
    const std::function<void(const fs::path&)>& fill) {
  try {
    const fs::path target = output_path(directory);
    remove_leftovers(target, LeftBy::DeadProcesses);
    const TemporaryFolder fresh(
        target.parent_path() /
        ("." + target.filename().string() + ".pp-" + std::to_string(getpid())));
    fill(fresh.path());
    sync_all(fresh.path());
    move_into_place(fresh.path(), target);
  } catch (const fs::filesystem_error& error) {
    throw runtime_error(
        "can't write the folder " + directory.string() + ": " +
        error.code().message());
  }
}

}  // namespace pp
