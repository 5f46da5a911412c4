#pragma once

namespace pp::fuzz {

/// Makes LibTorch allocate each CPU tensor's storage next to a page that can't
/// be accessed, so that an access out of bounds ends the process even in code
/// that no sanitizer has instrumented. An allocation of more than 64 MB throws.
void guard_tensor_memory();

/// Which end of later allocations touches the page.
enum class GuardedEnd { Begin, End };
void set_guarded_end(GuardedEnd end);

}  // namespace pp::fuzz
