#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/transport/message.h"

// What a message between processes says of its tensors that lie on a device.
// It stands behind the message's own ints:
//
//   one word a tensor: its Place; Linked is followed by dtype, number of
//   dimensions, sizes, strides
//   the number of these words, itself left out

namespace pp::device_wire {

enum class Place : int64_t {
  Host,    ///< on the host at both ends, or undefined
  Staged,  ///< on the device at both ends, in this message through the host
  Linked,  ///< comes over the link; undefined in this message
};

/// A tensor as it was sent.
struct Sent {
  Place place = Place::Host;
  int64_t dtype = 0;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
};

void append(std::vector<int64_t>& ints, std::span<const Sent> sent);

/// Takes off what append() put there.
/// throws Error(Runtime): it is not what append() writes
std::vector<Sent> take_off(std::vector<int64_t>& ints, size_t num_tensors);

}  // namespace pp::device_wire
