#pragma once

#include <functional>
#include <memory>
#include <string>

#include <netdb.h>

#include "runtime/launch/launch.h"

namespace pp {

/// Called repeatedly during a wait; throws to end it.
using KeepWaiting = std::function<void()>;

using Addresses = std::shared_ptr<const addrinfo>;

/// Resolves MASTER_ADDR.
///
/// socket_type  SOCK_STREAM or SOCK_DGRAM
/// throws Error(Runtime): it doesn't resolve, or not within 10 s
Addresses resolve_master(
    const EnvRanks& ranks, int socket_type, const KeepWaiting& keep_waiting);

/// Whether one of the addresses accepts a connection. Takes at most a second
/// for each.
bool accepts_connections(const Addresses& addresses);

/// An address of this machine that the job's other ranks can reach: the one
/// from which it reaches the master.
/// throws Error(Runtime): the master's name doesn't resolve
std::string reachable_address(
    const EnvRanks& ranks, const KeepWaiting& keep_waiting);

}  // namespace pp
