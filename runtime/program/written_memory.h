#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "loader/ir/graph.h"

namespace pp {

/// Records which memory a graph writes in place, and at which nodes. Values
/// that may share memory have the same root, which is the first of them.
class WrittenMemory {
 public:
  /// live  the result of live_nodes(); writes of nodes that don't run are
  ///       ignored
  WrittenMemory(const ir::Graph& graph, const std::vector<uint8_t>& live);

  ir::ValueId root_of(ir::ValueId value) const { return root_[value]; }
  bool is_written(ir::ValueId value) const {
    return writers_.contains(root_[value]);
  }
  /// Whether a node from `first` to `last`, both included, writes the value's
  /// memory.
  bool is_written_in(
      ir::ValueId value,
      int32_t first,
      int32_t last = std::numeric_limits<int32_t>::max()) const;
  /// The positions of the nodes that write the memory of each root, in
  /// ascending order.
  const std::map<ir::ValueId, std::vector<int32_t>>& writers() const {
    return writers_;
  }

 private:
  ir::ValueId find_root(ir::ValueId value) const;

  std::vector<ir::ValueId> root_;  ///< for each value, its root
  std::map<ir::ValueId, std::vector<int32_t>> writers_;
};

}  // namespace pp
