#include "loader/archive/checkpoint_folder.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>
#include <utility>

#include "loader/archive/folders.h"
#include "loader/core/error.h"

namespace pp {

namespace fs = std::filesystem;

std::optional<int64_t> step_of(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kCheckpointPrefix)) {
    return std::nullopt;
  }
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [stop, error] =
      std::from_chars(name.data() + kCheckpointPrefix.size(), end, step);
  if (error != std::errc{} || stop != end || step < 0) {
    return std::nullopt;
  }
  return step;
}

std::vector<fs::path> list_checkpoints(const fs::path& folder) {
  std::vector<std::pair<int64_t, fs::path>> found;
  for (const fs::path& path : entries_of(folder)) {
    std::error_code ignored;
    const std::optional<int64_t> step = step_of(path);
    if (step && fs::is_directory(path, ignored)) {
      found.emplace_back(*step, path);
    }
  }
  std::ranges::sort(found);
  std::vector<fs::path> paths;
  for (auto& [step, path] : found) {
    paths.push_back(std::move(path));
  }
  return paths;
}

fs::path checkpoint_in(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    return path;  // reading it reports what is wrong
  }
  const bool is_run = fs::is_directory(path / "checkpoints", ignored);
  const std::vector<fs::path> found =
      list_checkpoints(is_run ? path / "checkpoints" : path);
  if (!found.empty()) {
    return found.back();
  }
  if (is_run) {
    throw input_error(
        (path / "checkpoints").string() +
        " holds no checkpoint: a folder step_N is needed");
  }
  return path;
}

}  // namespace pp
