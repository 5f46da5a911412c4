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
  Host,    ///< on the host at both ends, or undefined
  Staged,  ///< on the device at both ends, in this message through the host
  Linked,  ///< over the link; undefined in this message
};

/// A tensor as it was sent.
struct Sent {
  Place place = Place::Host;
  int64_t dtype = 0;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
};

void append(std::vector<int64_t>& ints, std::span<const Sent> sent);

/// Removes the words that append() added, and returns what they describe.
/// throws Error(Runtime): they are not words that append() writes
std::vector<Sent> take_off(std::vector<int64_t>& ints, size_t num_tensors);

}  // namespace pp::device_wire
