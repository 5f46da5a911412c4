#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pp {

/// Returns `count` bytes that nobody can predict, from the kernel.
/// throws  Error(Runtime): the kernel gives none
std::vector<uint8_t> random_bytes(size_t count);

}  // namespace pp
