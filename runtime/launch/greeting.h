#pragma once

#include <chrono>
#include <string>

#include "runtime/secret/job_secret.h"
#include "runtime/transport/transport.h"

namespace pp {

/// Exchanges a first message, which contains the job's identity and the
/// sender's rank, with every other rank. Every rank calls this function once
/// the transport is connected.
///
/// If the job has a secret, the message also contains a challenge of random
/// bytes, and a second message answers the peer's challenge with a code that
/// only a process with the secret can compute, for these two ranks and both
/// challenges. So an earlier greeting, or the peer's own, proves nothing.
/// throws  what Pending::wait throws; Error(Runtime): a peer belongs to another
///         job, isn't the expected rank, doesn't know the secret, or runs
///         another version of pp
void greet_peers(
    Transport& transport,
    const std::string& job,
    const JobSecret& secret,
    std::chrono::milliseconds timeout);

}  // namespace pp
