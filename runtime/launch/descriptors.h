#pragma once

namespace pp {

/// Makes sure that this process may open `num_needed` more file descriptors.
/// Without this check, libraries would report an unrelated error, or abort.
///
/// num_ranks  the number of ranks of the job, for the message
/// throws     Error(Runtime) naming the limit: it is too low
void check_descriptors(int num_needed, int num_ranks);

}  // namespace pp
