#pragma once

#include <cstdint>
#include <vector>

namespace pp {

/// What a graph was measured to cost on this machine: Balance::Time.
struct NodeCosts {
  std::vector<uint64_t> node_ns;  ///< forward, by node of the source graph
  double ns_per_byte = 0;         ///< to pass a boundary value on
};

}  // namespace pp
