#pragma once

#include <cstdint>
#include <vector>

namespace pp {

/// Costs of a graph, measured on this machine. Balance::Time needs them.
struct NodeCosts {
  std::vector<uint64_t> node_ns;  ///< forward time of each node of the source
  double ns_per_byte = 0;         ///< time per byte to send a boundary value
};

}  // namespace pp
