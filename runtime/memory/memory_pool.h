#pragma once

#include <cstddef>
#include <cstdint>

namespace pp {

/// Makes LibTorch allocate CPU tensors from a pool before it asks malloc. Each
/// thread has a pool of freed memory, grouped by size class, because every
/// microbatch allocates the sizes that the previous one freed. Tensors larger
/// than kLargestPooled still come from malloc. Call it once per process, before
/// the ranks start; memory allocated earlier is still freed correctly.
void keep_freed_tensors();

/// The largest tensor that comes from a pool, in bytes.
constexpr std::size_t kLargestPooled = std::size_t{256} << 10;
/// The largest number of bytes that one pool holds. Without a limit, memory
/// that one thread allocates and another frees would pile up in the other's
/// pool.
constexpr std::size_t kPoolCapacity = std::size_t{16} << 20;

/// Returns the number of bytes in this thread's pool.
std::size_t pooled_bytes();

}  // namespace pp
