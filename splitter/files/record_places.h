#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "loader/ir/types.h"

namespace pp {

/// The sizes of a tensor whose sizes are all fixed.
inline std::vector<int64_t> fixed_sizes_of(const ir::TensorMeta& tensor) {
  std::vector<int64_t> out;
  for (const ir::Dim& dim : tensor.sizes) {
    out.push_back(dim.value);
  }
  return out;
}

/// Whether a tensor's elements are consecutive in memory, in row-major order.
inline bool is_contiguous(const ir::TensorMeta& tensor) {
  int64_t stride = 1;
  for (size_t d = tensor.sizes.size(); d-- > 0;) {
    if (tensor.sizes[d].value != 1 && tensor.strides[d].value != stride) {
      return false;
    }
    stride *= tensor.sizes[d].value;
  }
  return true;
}

/// Calls visit(index, place) for each element of a tensor, in row-major order.
/// index  the element's position in row-major order
/// place  the element's position in the record that holds the tensor, in
///        elements
template <class Visit>
void for_each_place(const ir::TensorMeta& tensor, Visit visit) {
  int64_t count = 1;
  for (const ir::Dim& dim : tensor.sizes) {
    count *= dim.value;
  }
  std::vector<int64_t> index(tensor.sizes.size(), 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t place = tensor.storage_offset.value;
    for (size_t d = 0; d < index.size(); ++d) {
      place += index[d] * tensor.strides[d].value;
    }
    visit(static_cast<size_t>(i), static_cast<size_t>(place));
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < tensor.sizes[d].value) {
        break;
      }
      index[d] = 0;
    }
  }
}

}  // namespace pp
