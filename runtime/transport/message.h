#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

namespace pp {

struct OnDevice;  // device_transport.h

/// The values that one microbatch sends across the border between two stages:
/// activations in a forward, gradients in a backward.
struct Message {
  int32_t stage = -1;  ///< the sender's
  int32_t microbatch = -1;
  /// In the order of the border's values; undefined where a value has no
  /// gradient. Dense tensors in any dimension order arrive with the strides
  /// they left with; overlapping or gapped ones arrive dense, their dimensions
  /// in the same order, on every transport (gaps.h restores the gaps).
  std::vector<at::Tensor> tensors;
  /// In a forward, per tensor: whether the receiver must send a gradient back.
  std::vector<uint8_t> requires_grad;
  std::vector<int64_t> ints;  ///< sizes that cross as values
  /// Between thread ranks: when tensors on a device may be read, and to whom
  /// they are returned.
  std::shared_ptr<const OnDevice> on_device = nullptr;
};

}  // namespace pp
