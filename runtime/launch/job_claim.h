#pragma once

#include <string>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "runtime/launch/job_identity.h"

namespace pp {

/// A key of the store itself, outside of any job: the identity of a job that
/// uses it, for ranks of other jobs that come to the same port.
inline constexpr auto kOwnerKey = "pp/owner";

/// Claims the number of this rank, so that no second process gets it.
///
/// store      with the job's prefix
/// job        of the rank that began the job
/// restarts   whether the launcher serves the store and may start ranks anew.
///            They may have the number of one that is gone
/// address    of the store, for messages
/// throws Error(Runtime): another process has it; names that process and job
void claim_rank(
    c10d::Store& store,
    const JobIdentity& own,
    const JobIdentity& job,
    bool restarts,
    const std::string& address);

}  // namespace pp
