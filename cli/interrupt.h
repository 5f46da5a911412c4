#pragma once

#include <filesystem>
#include <vector>

#include "runtime/launch/signals.h"

namespace pp::cli {

/// While it exists, SIGINT and SIGTERM end the program at once: it prints
/// "interrupted", exits with 128 + signal and removes unfinished output. For
/// commands that run nothing on other ranks. Construct it before starting any
/// thread.
class EndOnSignal {
 public:
  /// outputs  files and folders that the command writes; unchanged if the
  ///          signal comes before they are complete
  /// scratch  the command's temporary files, which are removed
  explicit EndOnSignal(
      std::vector<std::filesystem::path> outputs,
      std::vector<std::filesystem::path> scratch = {});

 private:
  SignalWatch watch_;
};

}  // namespace pp::cli
