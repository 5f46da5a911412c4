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
  /// Name of the network interface to use ("eth0"). Empty: the interface with
  /// `address`.
  std::string interface_name;
  /// An address or host name of this machine that its peers can reach.
  std::string address = "127.0.0.1";
  /// How long ranks try to find each other.
  std::chrono::milliseconds connect_timeout{30000};
  /// A peer that closed its connection may have published the reason elsewhere.
  /// A wait for it fails only after this time, so that interrupt() can deliver
  /// the cause.
  std::chrono::milliseconds grace{0};
};

/// One rank, a process, that is about to connect to the others of its job.
struct JobMember {
  /// Has the same content for every rank.
  c10::intrusive_ptr<c10d::Store> store;
  int rank = 0;
  int size = 1;
  ConnectOptions options = {};
};

/// One rank's end of a transport, before it is connected. Every rank makes its
/// own; a pair of ranks uses the transport if each reaches the other.
class TransportEnd {
 public:
  virtual ~TransportEnd() = default;

  /// The text with which peers find this end; they read it from the store.
  virtual std::string address() const = 0;

  /// Whether this rank reaches the peer whose end has that address.
  virtual bool reaches(int peer, const std::string& address) = 0;

  /// The transport to (at least) the ranks that `peers` marks, by rank. Called
  /// once, last, and by every rank at about the same time.
  /// throws Error(Runtime): a peer that can't be reached
  virtual std::unique_ptr<Transport> connect(
      const std::vector<bool>& peers) = 0;
};

}  // namespace pp
