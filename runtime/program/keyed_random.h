#pragma once

#include <cstdint>
#include <string_view>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

namespace pp {

/// Where a run of a program stands in the job. Random operators draw from this
/// and from their node's name, never from the process's generator, so that
/// results do not depend on split, schedule, ranks or launcher.
struct RandomKey {
  uint64_t seed = 0;
  int64_t step = 0;        ///< optimizer step
  int64_t microbatch = 0;  ///< over the global batch
};

/// One 64-bit seed for one call of one node.
///
/// node_name   the node's first output in the source graph
/// occurrence  0, 1, ... where a loop runs the node again
uint64_t node_seed(
    const RandomKey& key, std::string_view node_name, int64_t occurrence);

/// A generator of the device that starts from `seed`.
at::Generator generator_on(c10::Device device, uint64_t seed);

/// A mask of `sizes`, contiguous: `kept` with probability 1 - p, else 0.
///
/// p       in [0, 1]
/// kept    the value of a kept element, usually 1 / (1 - p)
/// dtype   of the mask; Bool gives true and false
/// device  the CPU and other devices give different masks for a seed
/// source  Philox4x32-10 (Salmon et al., SC'11), element i from block i / 4;
///         other devices' own generators
at::Tensor keep_mask(
    at::IntArrayRef sizes,
    double p,
    double kept,
    at::ScalarType dtype,
    uint64_t seed,
    c10::Device device = c10::kCPU);

}  // namespace pp
