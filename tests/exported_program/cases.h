#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "loader/ir/graph.h"
#include "loader/model_loader.h"
#include "tests/support/paths.h"

// The programs that export_cases.py exported.
namespace pp::test {

inline std::filesystem::path case_file(const std::string& name) {
  return fixture_folder() / "exported_program" / (name + ".pt2");
}

inline Model load_case(const std::string& name) {
  return load_model(case_file(name));
}

/// Every program, in the order of the folder.
inline std::vector<std::filesystem::path> case_files() {
  std::vector<std::filesystem::path> out;
  for (const auto& entry :
       std::filesystem::directory_iterator(case_file("mlp").parent_path())) {
    if (entry.path().extension() == ".pt2") {
      out.push_back(entry.path());
    }
  }
  return out;
}

/// The first node that calls `target`.
inline const ir::Node& node_of(
    const ir::Graph& graph, const std::string& target) {
  const auto found = std::ranges::find(graph.nodes, target, &ir::Node::target);
  EXPECT_NE(found, graph.nodes.end()) << target;
  return *found;
}

}  // namespace pp::test
