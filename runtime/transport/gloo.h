#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <c10/util/intrusive_ptr.h>

#include "runtime/transport/transport.h"

namespace c10d {
class Store;
}

namespace pp {

struct GlooOptions {
  /// A name of a network interface ("eth0"). Empty: by address.
  std::string interface_name;
  /// An address or host name of this machine that its peers can reach.
  std::string address = "127.0.0.1";
  /// For all ranks to find each other.
  std::chrono::milliseconds connect_timeout{30000};
  /// A peer that closed its connection may have said why elsewhere: for so long
  /// a wait on it gives interrupt() the chance to come with the cause.
  std::chrono::milliseconds grace{0};
};

/// Messages over TCP through c10d's Gloo. Every rank calls this, at about the
/// same time, with a store of the same content; it returns when all are
/// connected.
/// throws Error(Runtime): an interface or a peer that can't be reached
std::unique_ptr<Transport> make_gloo_transport(
    c10::intrusive_ptr<c10d::Store> store,
    int rank,
    int size,
    const GlooOptions& options);

}  // namespace pp
