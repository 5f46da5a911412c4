#include "tests/torchscript/examples.h"

#include <algorithm>
#include <stdexcept>

#include <unistd.h>

#include "tests/support/paths.h"

namespace pp::test {

namespace fs = std::filesystem;

fs::path fixture(const std::string& name) {
  return fixture_folder() / name;
}

fs::path example(const std::string& name) {
  return fixture("torchscript/" + name);
}

const ir::Node& find_target(const ir::Graph& graph, std::string_view target) {
  const auto found = std::ranges::find(graph.nodes, target, &ir::Node::target);
  if (found == graph.nodes.end()) {
    throw std::runtime_error("no node calls " + std::string(target));
  }
  return *found;
}

TemporaryFolder::TemporaryFolder()
    : path_(
          fs::temp_directory_path() /
          ("pp_torchscript_" + std::to_string(getpid()))) {
  fs::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  fs::remove_all(path_);
}

}  // namespace pp::test
