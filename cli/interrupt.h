#pragma once

#include <filesystem>
#include <vector>

#include "runtime/launch/signals.h"

namespace pp::cli {

/// While it lives, SIGINT and SIGTERM end the program at once: one line
/// "interrupted", exit code 128 + signal, and nothing left of what was in the
/// making. For commands that run nothing on other ranks; construct it before
/// any thread.
class EndOnSignal {
 public:
  /// outputs  files and folders that the command writes; as they were, if the
  ///          signal comes before they are complete
  /// scratch  files of the command's own, removed
  explicit EndOnSignal(
      std::vector<std::filesystem::path> outputs,
      std::vector<std::filesystem::path> scratch = {});

 private:
  SignalWatch watch_;
};

}  // namespace pp::cli
