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
  int32_t stage = -1;  ///< the sender's stage
  int32_t microbatch = -1;
  /// The values in the order of the border; undefined where a value has no
  /// gradient. On every transport, tensors that are dense in any order of
  /// dimensions arrive with their strides unchanged; overlapping or gapped ones
  /// arrive dense, with the same order of dimensions (gaps.h restores the
  /// gaps).
  std::vector<at::Tensor> tensors;
  /// In a forward, whether the receiver must send back a gradient for each
  /// tensor.
  std::vector<uint8_t> requires_grad;
  std::vector<int64_t> ints;  ///< sizes and other numbers that cross the border
  /// Between ranks that are threads: when the tensors on a device may be read,
  /// and who owns them. Null otherwise.
  std::shared_ptr<const OnDevice> on_device = nullptr;
};

}  // namespace pp
