#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "runtime/transport/shared_layout.h"
#include "runtime/transport/shared_segment.h"
#include "runtime/transport/transport.h"

namespace pp {

/// One rank's end of messages through memory that ranks of one host share. A
/// sender copies a message once; the receiver's tensors lie where it put it.
class SharedMemoryEnd {
 public:
  /// throws Error(Runtime): no memory
  SharedMemoryEnd(int rank, int num_ranks);

  /// What a peer needs to find this end.
  std::string address() const;
  /// Whether this rank sees the peer's memory. Messages need both to see each
  /// other's.
  bool connect(int peer, const std::string& address);
  int num_ranks() const { return num_ranks_; }

  struct Peer {
    pid_t process = 0;
    std::shared_ptr<SharedSegment> control;
  };

  /// Messages to and from the peers that are connected.
  /// grace  as GlooOptions has it
  /// spin   whether each rank of this host has a core of its own
  std::unique_ptr<Transport> transport(
      std::chrono::milliseconds grace, bool spin) &&;

 private:
  int rank_;
  int num_ranks_;
  std::shared_ptr<SharedSegment> control_;
  std::map<int, Peer> peers_;
};

}  // namespace pp
