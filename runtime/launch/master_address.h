#pragma once

#include <functional>
#include <memory>
#include <string>

#include <netdb.h>

#include "runtime/launch/launch.h"

namespace pp {

/// A function that is called repeatedly during a wait. It ends the wait by
/// throwing.
using KeepWaiting = std::function<void()>;

using Addresses = std::shared_ptr<const addrinfo>;

/// Returns the network addresses of MASTER_ADDR.
///
/// socket_type  SOCK_STREAM or SOCK_DGRAM
/// throws       Error(Runtime): the name doesn't resolve, or not within 10 s
Addresses resolve_master(
    const EnvRanks& ranks, int socket_type, const KeepWaiting& keep_waiting);

/// Whether one of the addresses accepts a connection. Takes at most a second
/// for each address.
bool accepts_connections(const Addresses& addresses);

/// Returns an address of this machine that the job's other ranks can reach: the
/// one from which this machine reaches the master.
/// throws  Error(Runtime): the master's name doesn't resolve
std::string reachable_address(
    const EnvRanks& ranks, const KeepWaiting& keep_waiting);

}  // namespace pp
