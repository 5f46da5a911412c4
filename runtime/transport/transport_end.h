#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <c10/util/intrusive_ptr.h>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "runtime/transport/transport.h"

namespace pp {

struct ConnectOptions {
  /// Name of the network interface to use, such as "eth0"; empty: the interface
  /// that has `address`.
  std::string interface_name;
  /// An address or host name of this machine that the peers can reach.
  std::string address = "127.0.0.1";
  /// How long ranks try to find each other.
  std::chrono::milliseconds connect_timeout{30000};
  /// How long a wait for a peer continues after the peer closed its connection.
  /// In this time interrupt() can deliver the peer's reason, which the peer may
  /// have published elsewhere.
  std::chrono::milliseconds grace{0};
};

/// A process that is about to connect, as one rank, to the other ranks of its
/// job.
struct JobMember {
  /// The job's store, which has the same content for every rank.
  c10::intrusive_ptr<c10d::Store> store;
  int rank = 0;
  int size = 1;
  ConnectOptions options = {};
};

/// One rank's end of a transport before it is connected. Every rank makes its
/// own end; a pair of ranks uses the transport if each reaches the other.
class TransportEnd {
 public:
  virtual ~TransportEnd() = default;

  /// Returns the text with which peers find this end. They read it from the
  /// store.
  virtual std::string address() const = 0;

  /// Whether this rank can reach `peer`, whose end has the address `address`.
  virtual bool reaches(int peer, const std::string& address) = 0;

  /// Connects to at least the ranks for which `peers` is true. Every rank calls
  /// it at about the same time. Call it once, and nothing else after it.
  /// throws  Error(Runtime): a peer can't be reached
  virtual std::unique_ptr<Transport> connect(
      const std::vector<bool>& peers) = 0;
};

}  // namespace pp
