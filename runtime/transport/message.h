#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pp {

struct OnDevice;  // device_transport.h

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
  /// Between thread ranks: since when tensors on a device may be read, and who
  /// gets them back.
  std::shared_ptr<const OnDevice> on_device = nullptr;
};

}  // namespace pp
