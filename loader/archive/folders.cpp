#include "loader/archive/folders.h"

#include <system_error>

#include "loader/core/error.h"

namespace pp {

namespace fs = std::filesystem;

fs::path nearest_that_exists(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path.empty() ? "." : path;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    out.push_back(at->path());
  }
  if (error && error != std::errc::no_such_file_or_directory &&
      error != std::errc::not_a_directory) {
    throw input_error(
        folder.string() + ": can't list the folder: " + error.message());
  }
  return out;
}

void make_output_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) {
    throw runtime_error(
        "can't create the output folder " + path.string() + ": " +
        error.message());
  }
}

}  // namespace pp
