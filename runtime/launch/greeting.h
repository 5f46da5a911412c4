#pragma once

#include <chrono>
#include <string>

#include "runtime/transport/transport.h"

namespace pp {

/// Exchanges the first message with every other rank, which contains the job's
/// identity and the sender's rank. Every rank calls it once the transport is
/// connected.
/// throws  what Pending::wait throws; Error(Runtime): a peer belongs to another
///         job, or has another rank or version of pp
void greet_peers(
    Transport& transport,
    const std::string& job,
    std::chrono::milliseconds timeout);

}  // namespace pp
