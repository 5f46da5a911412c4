#pragma once

namespace pp {

/// Makes sure that this process may open so many more file descriptors. Without
/// them, libraries report something else, or abort.
///
/// num_ranks  of the job, for the message
/// throws     Error(Runtime) naming the limit
void check_descriptors(int num_needed, int num_ranks);

}  // namespace pp
