#pragma once

#include <string>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "runtime/launch/job_identity.h"

namespace pp {

/// The store's key for the identity of the job that uses the store. Ranks of
/// other jobs at the same port can read this key too: it has no job's prefix.
inline constexpr auto kOwnerKey = "pp/owner";

/// Claims this rank's number, so that no second process gets it.
///
/// store      the store, prefixed for the job
/// job        the identity of the rank that began the job
/// restarts   whether the launcher serves the store and may restart ranks. A
///            restarted rank may reuse the number of a process that has ended
/// address    the store's address, for messages
/// throws     Error(Runtime): another process has the number (names the process
///            and its job)
void claim_rank(
    c10d::Store& store,
    const JobIdentity& own,
    const JobIdentity& job,
    bool restarts,
    const std::string& address);

}  // namespace pp
