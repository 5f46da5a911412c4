#pragma once

namespace pp {

/// Makes the heap keep freed memory instead of returning it to the kernel. A
/// training step allocates what the previous step freed; the kernel must zero
/// the pages again if they were returned (on a medium GPT: 12 times as many
/// page faults, 2 to 6 % of the backward time). Does nothing if the user has
/// set glibc's environment variables for this. Call once, before threads start.
void keep_freed_memory();

}  // namespace pp
