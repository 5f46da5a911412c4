#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace pp {

/// Returns a view of all entries of a dense tensor, in memory order, as one
/// dimension.
at::Tensor flat(const at::Tensor& dense);

/// Returns true only if no two entries of the tensor share memory. Gaps between
/// entries are allowed.
bool entries_are_apart(const at::Tensor& tensor);

/// Returns `value`, or a copy of it, in the memory layout of `like` but without
/// gaps; undefined if `value` is undefined.
at::Tensor laid_out_as(const at::Tensor& value, const at::Tensor& like);

/// Returns the type of a parameter's state and of the tensor that its kernel
/// updates.
at::ScalarType state_type(const at::Tensor& parameter);

/// The entries of shard `index` when n entries are divided into `count` shards.
/// Each shard has ceil(n / count) entries; the last ones have fewer, or none.
struct Share {
  int64_t begin = 0;
  int64_t size = 0;
};
Share share_of(int64_t n, int index, int count);

/// Returns shard `index` of flat(dense), as a view.
at::Tensor share(const at::Tensor& dense, int index, int count);

}  // namespace pp
