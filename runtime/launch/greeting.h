#pragma once

#include <chrono>
#include <string>

#include "runtime/transport/transport.h"

namespace pp {

/// Exchanges a first message with every other rank. It contains the job's
/// identity and the sender's rank. Every rank calls it once the transport is
/// connected.
/// throws  what Pending::wait throws; Error(Runtime): a peer belongs to another
///         job, is another rank, or runs another version of pp
void greet_peers(
    Transport& transport,
    const std::string& job,
    std::chrono::milliseconds timeout);

}  // namespace pp
