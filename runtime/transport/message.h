#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pp {

/// What crosses a border between two stages for one microbatch: activations
/// on the way forward, gradients on the way back.
struct Message {
  int32_t stage = -1;  ///< of the sender
  int32_t microbatch = -1;
  /// In the order of the border's values. Undefined: nothing for this value
  /// (a gradient that is not there). Dense tensors in any dimension order
  /// arrive with the strides they left with; overlapping or gapped ones arrive
  /// contiguous, on every transport.
  std::vector<at::Tensor> tensors;
  /// Forward: whether the receiver is to send a gradient back, by tensor.
  std::vector<uint8_t> requires_grad;
  std::vector<int64_t> ints;  ///< sizes that cross as values
};

}  // namespace pp
