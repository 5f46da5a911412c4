#pragma once

#include <chrono>
#include <string>

#include "runtime/transport/transport.h"

namespace pp {

/// Exchanges a first message, which contains the job's identity and the
/// sender's rank, with every other rank. Every rank calls this function once
/// the transport is connected.
/// throws  what Pending::wait throws; Error(Runtime): a peer belongs to another
///         job, isn't the expected rank, or runs another version of pp
void greet_peers(
    Transport& transport,
    const std::string& job,
    std::chrono::milliseconds timeout);

}  // namespace pp
