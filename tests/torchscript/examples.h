#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "loader/ir/graph.h"

namespace pp::test {

/// A model file that several folders' tests read: "mlp-trace.pt".
std::filesystem::path fixture(const std::string& name);

/// A module of export_cases.py: "branch-script.pt".
std::filesystem::path example(const std::string& name);

/// The first node that calls `target`.
/// throws std::runtime_error: there is none
const ir::Node& find_target(const ir::Graph& graph, std::string_view target);

/// A temporary folder, removed with this object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace pp::test
