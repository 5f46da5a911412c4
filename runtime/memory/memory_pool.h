#pragma once

#include <cstddef>
#include <cstdint>

namespace pp {

/// Makes LibTorch allocate CPU tensors from a pool before it asks malloc. Each
/// thread has a pool of freed memory by size class, because every microbatch
/// allocates the sizes that the previous one freed. Tensors larger than
/// kLargestPooled still come from malloc. Call it once per process, before its
/// ranks start; memory allocated earlier is freed as before.
void keep_freed_tensors();

/// Largest tensor that comes from a pool, in bytes.
constexpr std::size_t kLargestPooled = std::size_t{256} << 10;
/// Most bytes that one pool holds. Without a limit, memory that flows from one
/// thread to another would pile up in the pool of the second.
constexpr std::size_t kPoolCapacity = std::size_t{16} << 20;

/// Bytes in this thread's pool.
std::size_t pooled_bytes();

}  // namespace pp
