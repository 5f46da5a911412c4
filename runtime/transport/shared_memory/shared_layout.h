#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "runtime/transport/shared_memory/doorbell.h"
#include "runtime/transport/shared_memory/shared_segment.h"

// The layout of the memory that ranks of one host share. Each rank has a
// control segment, and adds block segments when it needs them. Only the rank
// itself writes to its segments, except to the members that are marked as
// written by the peer. New memory is full of zeros, and zeros are a valid
// initial state of every struct here.
//
//   a message  is a Block: header, description and payloads. The sender
//              writes it, and the receiver's tensors use the block's memory
//   a Lane     lists the blocks for one peer, in order

namespace pp::shared {

inline constexpr size_t kAlign = 64;  // a cache line, enough for kernels

/// Whether all bytes of a T are part of its value. Copies of anything else
/// could carry bytes of this process's memory into the shared one.
template <typename T>
inline constexpr bool kIsAllContent =
    std::has_unique_object_representations_v<T>;

inline size_t aligned(size_t num_bytes) {
  return (num_bytes + kAlign - 1) / kAlign * kAlign;
}

/// The header of a block. The message's content comes directly after it.
struct alignas(kAlign) Block {
  /// The number of users of the block: the message itself until it is read,
  /// then the receiver's tensors. 0: the block is free for the sender.
  std::atomic<uint32_t> holders;
  uint32_t header_bytes;
  /// Size of the description, which follows the message's header.
  uint32_t description_bytes;
  /// Size of the block: this struct, content and unused room.
  uint64_t num_bytes;
};

inline void release(Block& block) {
  block.holders.fetch_sub(1, std::memory_order_release);
}

/// The position of a block in its sender's segments.
struct Place {
  uint64_t segment;
  uint64_t offset;
};
static_assert(kIsAllContent<Place>);

/// The list of messages from the segment's owner to one peer.
struct Lane {
  static constexpr size_t kSlots = 1024;

  alignas(kAlign) std::atomic<uint64_t> sent;
  /// Written by the peer: the number of receives that it has called, and the
  /// number of messages that it has read.
  alignas(kAlign) std::atomic<uint64_t> posted;
  std::atomic<uint64_t> taken;
  /// Message n occupies slots[n % kSlots] from the time it is sent until the
  /// peer has read it.
  alignas(kAlign) std::array<Place, kSlots> slots;
};

struct Control {
  static constexpr size_t kMaxSegments = 256;

  struct Segment {
    int64_t descriptor;
    uint64_t num_bytes;
  };
  static_assert(kIsAllContent<Segment>);

  std::atomic<uint32_t> closed;
  uint64_t nonce;  ///< identifies this segment; part of the rank's address
  std::array<Segment, kMaxSegments> segments;
  alignas(kAlign) Doorbell bell;  ///< wakes the owner; every peer rings it

  /// The lanes follow this struct in memory, one per rank of the job.
  Lane& lane(int peer) { return reinterpret_cast<Lane*>(this + 1)[peer]; }

  static size_t num_bytes(int num_ranks) {
    return sizeof(Control) + static_cast<size_t>(num_ranks) * sizeof(Lane);
  }
};

inline Control& control_of(const SharedSegment& segment) {
  return *reinterpret_cast<Control*>(segment.bytes().data());
}

}  // namespace pp::shared
