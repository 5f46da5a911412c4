#include "runtime/checkpoint/folder.h"

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>

#include "loader/archive/folders.h"
#include "loader/archive/sync.h"
#include "loader/core/error.h"

namespace pp {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kUnfinishedPrefix = ".step_";
constexpr std::string_view kUnfinishedSuffix = ".tmp";
constexpr const char* kBestLink = "best";
constexpr const char* kUnfinishedBestLink = ".best.tmp";

Error error_with_errno(const fs::path& path, const std::string& what) {
  return runtime_error(
      path.string() + ": " + what + ": " +
      std::generic_category().message(errno));
}

}  // namespace

fs::path checkpoint_path(const fs::path& folder, int64_t step) {
  return folder / (std::string(kCheckpointPrefix) + std::to_string(step));
}

fs::path unfinished_path(const fs::path& folder, int64_t step) {
  return folder / (std::string(kUnfinishedPrefix) + std::to_string(step) +
                   std::string(kUnfinishedSuffix));
}

void link_best(const fs::path& folder, std::optional<int64_t> step) {
  const fs::path link = folder / kBestLink;
  const fs::path unfinished = folder / kUnfinishedBestLink;
  std::error_code error;
  if (!step || !fs::is_directory(checkpoint_path(folder, *step), error)) {
    fs::remove(link, error);
    return;
  }
  fs::remove(unfinished, error);
  // Relative, so that it stays right where the run's folder is moved.
  fs::create_directory_symlink(
      checkpoint_path(folder, *step).filename(), unfinished, error);
  if (error) {
    throw runtime_error(
        link.string() + ": cannot make the link: " + error.message());
  }
  if (std::rename(unfinished.c_str(), link.c_str()) != 0) {
    throw error_with_errno(link, "cannot replace the link");
  }
  sync_path(folder);
}

void check_links(const fs::path& folder) {
  const fs::path link = nearest_that_exists(folder) / kUnfinishedBestLink;
  std::error_code error;
  fs::remove(link, error);
  fs::create_directory_symlink("none", link, error);
  if (error) {
    throw runtime_error(
        folder.string() +
        ": output.keep_best needs symbolic links, but none can be made here: " +
        error.message());
  }
  fs::remove(link, error);
}

std::optional<int64_t> linked_best(const fs::path& folder) {
  std::error_code error;
  const fs::path target = fs::read_symlink(folder / kBestLink, error);
  const std::optional<int64_t> step =
      error ? std::nullopt : step_of(target.filename());
  return step && fs::is_directory(checkpoint_path(folder, *step), error)
             ? step
             : std::nullopt;
}

void remove_unfinished(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kUnfinishedPrefix) &&
        name.ends_with(kUnfinishedSuffix)) {
      found.push_back(entry.path());
    }
  }
  for (const fs::path& path : found) {
    fs::remove_all(path, error);
    if (error) {
      throw runtime_error(
          path.string() +
          ": cannot remove an unfinished checkpoint: " + error.message());
    }
  }
}

void move_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (fs::exists(to, error)) {
    // Swap them, so that `to` names a whole checkpoint at every moment.
    if (renameat2(
            AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) ==
        0) {
      fs::remove_all(from, error);
      return;
    }
    // The file system can't swap.
    fs::remove_all(to, error);
  }
  if (std::rename(from.c_str(), to.c_str()) != 0) {
    throw error_with_errno(to, "cannot rename the checkpoint into place");
  }
}

}  // namespace pp
