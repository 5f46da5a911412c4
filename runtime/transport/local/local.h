#pragma once

#include <memory>

#include "runtime/transport/transport.h"

namespace pp {

namespace local {
class Inboxes;
}

/// Connects ranks that are threads of one process. Tensors are handed over
/// without a copy.
class LocalHub {
 public:
  explicit LocalHub(int num_ranks);

  /// Returns the transport of `rank`. Call it once for each rank, from any
  /// thread. The transport may outlive the hub. When it is destroyed, peers
  /// that wait for a message from this rank get the error "rank N closed its
  /// connection".
  std::unique_ptr<Transport> transport(int rank);

 private:
  std::shared_ptr<local::Inboxes> inboxes_;
};

}  // namespace pp
