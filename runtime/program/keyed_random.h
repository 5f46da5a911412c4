#pragma once

#include <cstdint>
#include <string_view>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

namespace pp {

/// Identifies a run of a graph within the job. Random operators are seeded from
/// this key and from their node's name, not from the process's generator, so
/// results don't depend on split, schedule, ranks or launcher.
struct RandomKey {
  uint64_t seed = 0;
  int64_t step = 0;        ///< optimizer step
  int64_t microbatch = 0;  ///< index in the global batch
};

/// Returns the seed of one call of one node.
///
/// node_name   the node_name() of the node in the source graph
/// occurrence  identifies the run of the node if a loop runs it several times
uint64_t node_seed(
    const RandomKey& key, std::string_view node_name, int64_t occurrence);

/// Returns the occurrence for the nodes in a node's sub-graph. It differs
/// between sub-graphs, because node names are unique only within a sub-graph:
/// two conds may each have a node "dropout".
///
/// owner_name  the name of the node that has the sub-graph
/// outer       the occurrence of that node
int64_t occurrence_in(std::string_view owner_name, int64_t outer);

/// Makes a random generator on `device` that starts from `seed`.
at::Generator generator_on(c10::Device device, uint64_t seed);

/// Makes a contiguous mask in which each element is `kept` with probability 1 -
/// p, and else 0. The CPU uses Philox4x32-10 (Salmon et al., SC'11), element i
/// from block i / 4; other devices use their own generators, so their masks
/// differ from the CPU's.
///
/// p      the probability of 0, in [0, 1]
/// kept   the value of a kept element, usually 1 / (1 - p)
/// dtype  the mask's type; Bool gives true and false
at::Tensor keep_mask(
    at::IntArrayRef sizes,
    double p,
    double kept,
    at::ScalarType dtype,
    uint64_t seed,
    c10::Device device = c10::kCPU);

}  // namespace pp
