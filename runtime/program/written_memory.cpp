#include "runtime/program/written_memory.h"

#include <algorithm>

namespace pp {

WrittenMemory::WrittenMemory(
    const ir::Graph& graph, const std::vector<uint8_t>& live) {
  root_.resize(graph.values.size());
  for (size_t i = 0; i < root_.size(); ++i) {
    root_[i] = static_cast<ir::ValueId>(i);
  }
  for (const ir::Node& node : graph.nodes) {
    for (const auto& [output, input] : node.effects.aliases) {
      const auto [first, second] =
          std::minmax({find_root(output), find_root(input)});
      root_[second] = first;
    }
  }
  for (size_t i = 0; i < root_.size(); ++i) {
    root_[i] = find_root(static_cast<ir::ValueId>(i));
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (live[i]) {
      for (const ir::ValueId id : graph.nodes[i].effects.writes) {
        writers_[root_[id]].push_back(static_cast<int32_t>(i));
      }
    }
  }
}

ir::ValueId WrittenMemory::find_root(ir::ValueId value) const {
  while (root_[value] != value) {
    value = root_[value];
  }
  return value;
}

bool WrittenMemory::is_written_in(
    ir::ValueId value, int32_t first, int32_t last) const {
  const auto found = writers_.find(root_[value]);
  return found != writers_.end() &&
         std::ranges::any_of(found->second, [&](int32_t at) {
           return first <= at && at <= last;
         });
}

}  // namespace pp
