#pragma once

#include <cstdint>
#include <vector>

namespace pp {

/// The costs of running a graph, measured on this machine. Balance::Time needs
/// them.
struct NodeCosts {
  /// Forward time of each node of the source graph.
  std::vector<uint64_t> node_ns;
  double ns_per_byte = 0;  ///< time per byte to send a boundary value
};

}  // namespace pp
