#include "runtime/plan/output_folder.h"

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include <unistd.h>

#include "loader/archive/folders.h"
#include "loader/core/error.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

void check_writable(const fs::path& folder, const std::string& key) {
  const fs::path there = nearest_that_exists(folder);
  std::error_code ignored;
  if (!fs::is_directory(there, ignored)) {
    throw usage_error(
        key + " is " + folder.string() +
        (there == folder ? ", which" : ", but " + there.string()) +
        " is a file; name a folder");
  }
  if (access(there.c_str(), W_OK | X_OK) != 0) {
    throw usage_error(
        key + " is " + folder.string() +
        (there == folder ? ", which" : ", but " + there.string()) +
        " can't be written: " + std::generic_category().message(errno));
  }
}

}  // namespace

void check_output_folder(const Job& job) {
  check_writable(job.output.dir, "output.dir");
  if (job.train) {
    check_writable(job.output.dir / "checkpoints", "the folder of checkpoints");
  }
}

}  // namespace pp
