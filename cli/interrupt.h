#pragma once

#include <filesystem>
#include <vector>

#include "runtime/launch/signals.h"

namespace pp::cli {

/// While an object of this class exists, SIGINT and SIGTERM end the program at
/// once: the program prints "interrupted", removes unfinished output and exits
/// with 128 plus the signal's number. The class is for commands that start no
/// other ranks. Construct the object before starting any thread.
class EndOnSignal {
 public:
  /// outputs  the files and folders that the command writes; one that is
  ///          incomplete when the signal arrives keeps its previous content
  /// scratch  the command's temporary files, which are removed
  explicit EndOnSignal(
      std::vector<std::filesystem::path> outputs,
      std::vector<std::filesystem::path> scratch = {});

 private:
  SignalWatch watch_;
};

}  // namespace pp::cli
