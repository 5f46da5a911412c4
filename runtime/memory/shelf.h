#pragma once

#include <cstddef>
#include <cstdint>

namespace pp {

/// Has LibTorch take memory of tensors on the CPU from a shelf of its thread,
/// where freed memory of the same size class lies, before it asks malloc:
/// every microbatch allocates the same sizes again. Memory of more than
/// kLargestOnShelf goes to malloc as before. Once a process, before its ranks
/// start; what was allocated earlier is freed as it was.
void keep_freed_tensors();

constexpr std::size_t kLargestOnShelf = std::size_t{256} << 10;
/// A shelf holds no more; memory that flows from one thread to another would
/// otherwise pile up there.
constexpr std::size_t kShelfCapacity = std::size_t{16} << 20;

/// Bytes that lie on this thread's shelf.
std::size_t bytes_on_shelf();

}  // namespace pp
