#include "runtime/run/output_folder.h"

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include <unistd.h>

#include "loader/core/error.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

void check_writable(const fs::path& folder, const std::string& key) {
  const fs::path there = nearest_that_exists(folder);
  std::error_code ignored;
  if (!fs::is_directory(there, ignored)) {
    throw usage_error(
        key + " is " + folder.string() + ", but " + there.string() +
        " is a file; name a folder");
  }
  if (access(there.c_str(), W_OK | X_OK) != 0) {
    throw usage_error(
        key + " is " + folder.string() + ", but " + there.string() +
        " can't be written: " + std::generic_category().message(errno));
  }
}

}  // namespace

fs::path nearest_that_exists(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path.empty() ? "." : path;
}

void check_output_folder(const Job& job) {
  check_writable(job.output.dir, "output.dir");
  if (job.train) {
    check_writable(job.output.dir / "checkpoints", "the folder of checkpoints");
  }
}

void make_output_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw runtime_error(
        "can't make the output folder " + path.string() + ": " +
        error.message());
  }
}

}  // namespace pp
