#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/transport/message.h"

// How a message between processes describes its tensors on a device. These
// words follow the message's own ints:
//
//   for each tensor its Place; after Linked also dtype, number of dimensions,
//   sizes, strides
//   the number of words before this one

namespace pp::device_wire {

enum class Place : int64_t {
  Host,  ///< the tensor is on the host at both ends, or undefined
  /// On the device at both ends; travels in this message, through the host.
  Staged,
  Linked,  ///< travels over the link; undefined in this message
};

/// How a tensor was sent. dtype, sizes and strides are set only for
/// Place::Linked.
struct Sent {
  Place place = Place::Host;
  int64_t dtype = 0;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
};

void append(std::vector<int64_t>& ints, std::span<const Sent> sent);

/// Removes from the end of `ints` the words that append() added, and returns
/// what they describe.
/// throws  Error(Runtime): the words are not what append() writes
std::vector<Sent> take_off(std::vector<int64_t>& ints, size_t num_tensors);

}  // namespace pp::device_wire
