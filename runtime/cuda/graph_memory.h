#pragma once

#include <memory>

#include "runtime/device/plugin.h"

namespace pp {

/// CUDA graphs, in a pool of the caching allocator of their own.
///
/// throws  std::runtime_error: this LibTorch can't do it reliably
std::unique_ptr<GraphMemory> make_cuda_graph_memory(int device);

}  // namespace pp
