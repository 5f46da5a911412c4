#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pp {

/// All entries of a dense tensor in the order of memory, as one dimension; it
/// shares the tensor's memory.
at::Tensor flat(const at::Tensor& dense);

/// `value` in the memory layout of `like`: itself, or a copy. Undefined stays
/// so.
at::Tensor laid_out_as(const at::Tensor& value, const at::Tensor& like);

/// Which entries of n are part `index` of `count`: each part has ceil(n /
/// count), the last fewer or none.
struct Share {
  int64_t begin = 0;
  int64_t size = 0;
};
Share share_of(int64_t n, int index, int count);

/// That part of flat(dense); it shares the tensor's memory.
at::Tensor share(const at::Tensor& dense, int index, int count);

}  // namespace pp
