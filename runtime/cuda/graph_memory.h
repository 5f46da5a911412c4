#pragma once

#include <memory>

#include "runtime/device/plugin.h"

namespace pp {

/// Makes memory for CUDA graphs on the device with index `device`. It is a
/// separate pool of the caching allocator.
///
/// throws  std::runtime_error: this version of LibTorch can't capture reliably
std::unique_ptr<GraphMemory> make_cuda_graph_memory(int device);

}  // namespace pp
