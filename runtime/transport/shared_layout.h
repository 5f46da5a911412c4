#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "runtime/transport/doorbell.h"

// What lies in the memory that ranks of one host share. Each rank has a control
// segment, and block segments as it needs them; it alone writes to both, but
// for what is marked as the peer's. New memory is full of zeros, and zeros are
// a good start for everything here.
//
//   a message  is a Block: its header, description and payloads, where the
//              sender puts them and the receiver's tensors then lie
//   a Lane     lists the blocks for one peer, in order

namespace pp::shared {

inline constexpr size_t kAlign = 64;  // a cache line, and what kernels like

/// Stands before a message's content.
struct alignas(kAlign) Block {
  /// The sender's when 0; else how many of the receiver's tensors lie in it.
  std::atomic<uint32_t> holders;
  uint32_t header_bytes;
  uint32_t description_bytes;  ///< right behind the header
  uint64_t num_bytes;          ///< with this, and room that is left
};

/// Where a block is in its sender's segments.
struct Place {
  uint32_t segment;
  uint64_t offset;
};

/// From the segment's owner to one peer.
struct Lane {
  static constexpr size_t kSlots = 1024;

  alignas(kAlign) std::atomic<uint64_t> sent;
  /// The peer's: receives it has called, and messages it has taken.
  alignas(kAlign) std::atomic<uint64_t> posted;
  std::atomic<uint64_t> taken;
  /// Of message n at n % kSlots, from when it is sent until it is taken.
  alignas(kAlign) std::array<Place, kSlots> slots;
};

struct Control {
  static constexpr size_t kMaxSegments = 256;

  struct Segment {
    int32_t descriptor;
    uint64_t num_bytes;
  };

  std::atomic<uint32_t> closed;
  uint64_t nonce;  ///< of this segment, known to peers by its address
  std::array<Segment, kMaxSegments> segments;
  alignas(kAlign) Doorbell bell;  ///< of the owner; everyone rings

  /// One a rank of the job, behind this.
  Lane& lane(int peer) { return reinterpret_cast<Lane*>(this + 1)[peer]; }

  static size_t num_bytes(int num_ranks) {
    return sizeof(Control) + static_cast<size_t>(num_ranks) * sizeof(Lane);
  }
};

}  // namespace pp::shared
