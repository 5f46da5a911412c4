#pragma once

#include <filesystem>
#include <vector>

#include "runtime/launch/signals.h"

namespace pp::cli {

/// While an object of this class exists, SIGINT and SIGTERM end the program at
/// once: it prints "interrupted", removes unfinished output and exits with 128
/// + signal. It is for commands that start no other ranks. Construct it before
/// starting any thread.
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
