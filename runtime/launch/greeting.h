#pragma once

#include <chrono>
#include <string>

#include "runtime/transport/transport.h"

namespace pp {

/// Exchanges the first message with every other rank: the job's text and the
/// sender's number. Every rank calls it once the transport is connected.
/// throws Error(Runtime): a peer belongs to another job, or has another number
///        or version; otherwise as Pending::wait
void greet_peers(
    Transport& transport,
    const std::string& job,
    std::chrono::milliseconds timeout);

}  // namespace pp
