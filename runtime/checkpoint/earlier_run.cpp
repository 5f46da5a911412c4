#include "runtime/checkpoint/earlier_run.h"

#include <array>
#include <string>
#include <system_error>

#include "loader/core/error.h"
#include "runtime/checkpoint/folder.h"

namespace pp {
namespace fs = std::filesystem;
namespace {

constexpr std::array kRunFiles = {"checkpoints", "metrics.jsonl"};

fs::path aside(const fs::path& path, int number) {
  return path.string() + "." + std::to_string(number);
}

/// Whether a run left anything under this name.
bool has_content(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) ? fs::file_size(path, ignored) > 0
                                            : !list_checkpoints(path).empty();
}

/// Removes a run's file, or the checkpoints in its folder. Other files in the
/// folder don't belong to the run.
void remove_content(const fs::path& path, std::vector<fs::path>& removed) {
  std::error_code error;
  if (!has_content(path)) {
    return;
  }
  if (fs::is_regular_file(path, error)) {
    fs::remove(path, error);
  } else {
    for (const fs::path& old : list_checkpoints(path)) {
      fs::remove_all(old, error);
      if (error) {
        break;
      }
    }
    link_best(path, std::nullopt);
    std::error_code has_other_files;
    fs::remove(path, has_other_files);
  }
  if (error) {
    throw runtime_error(
        path.string() +
        ": cannot remove an earlier run's files: " + error.message());
  }
  removed.push_back(path);
}

}  // namespace

EarlierRun set_run_aside(const fs::path& output_dir, int keep) {
  EarlierRun run;
  std::error_code ignored;
  bool any = false;
  int free = 1;
  for (const char* name : kRunFiles) {
    any = any || has_content(output_dir / name);
    while (fs::exists(aside(output_dir / name, free), ignored)) {
      ++free;
    }
  }
  if (!any) {
    return run;
  }
  for (const char* name : kRunFiles) {
    const fs::path path = output_dir / name;
    for (int number = free; number > 1; --number) {
      if (fs::exists(aside(path, number - 1), ignored)) {
        move_folder(aside(path, number - 1), aside(path, number));
      }
    }
    if (has_content(path)) {
      move_folder(path, aside(path, 1));
      run.now.push_back(aside(path, 1));
    }
    for (int number = keep + 1; keep > 0 && number <= free; ++number) {
      remove_content(aside(path, number), run.removed);
    }
  }
  return run;
}

EarlierRun remove_run(const fs::path& output_dir) {
  EarlierRun run;
  for (const char* name : kRunFiles) {
    remove_content(output_dir / name, run.removed);
  }
  return run;
}

}  // namespace pp
