#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "runtime/transport/shared_memory/doorbell.h"
#include "runtime/transport/shared_memory/shared_segment.h"

// The layout of the memory that ranks of one host share. Each rank has a
// control segment, and adds block segments when it needs them. Only the rank
// itself writes to its segments, except to what is marked as the peer's. New
// memory is full of zeros, and zeros are a valid initial state of everything
// here.
//
//   a message  is a Block: header, description and payloads. The sender
//              writes them there, and the receiver's tensors use that memory
//   a Lane     lists the blocks for one peer, in order

namespace pp::shared {

inline constexpr size_t kAlign = 64;  // a cache line, enough for kernels

inline size_t aligned(size_t num_bytes) {
  return (num_bytes + kAlign - 1) / kAlign * kAlign;
}

/// Precedes a message's content.
struct alignas(kAlign) Block {
  /// Number of the receiver's tensors that use the block; 0: it is free for
  /// the sender.
  std::atomic<uint32_t> holders;
  uint32_t header_bytes;
  uint32_t description_bytes;  ///< directly after the header
  uint64_t num_bytes;          ///< of header, content and unused room
};

inline void release(Block& block) {
  block.holders.fetch_sub(1, std::memory_order_release);
}

/// The position of a block in its sender's segments.
struct Place {
  uint32_t segment;
  uint64_t offset;
};

/// The messages from the segment's owner to one peer.
struct Lane {
  static constexpr size_t kSlots = 1024;

  alignas(kAlign) std::atomic<uint64_t> sent;
  /// Written by the peer: the receives it has called, and the messages it has
  /// read.
  alignas(kAlign) std::atomic<uint64_t> posted;
  std::atomic<uint64_t> taken;
  /// Message n is at n % kSlots from when it is sent until it is taken.
  alignas(kAlign) std::array<Place, kSlots> slots;
};

struct Control {
  static constexpr size_t kMaxSegments = 256;

  struct Segment {
    int32_t descriptor;
    uint64_t num_bytes;
  };

  std::atomic<uint32_t> closed;
  uint64_t nonce;  ///< identifies this segment; part of the address
  std::array<Segment, kMaxSegments> segments;
  alignas(kAlign) Doorbell bell;  ///< wakes the owner; everyone rings it

  /// The lanes follow this, one per rank of the job.
  Lane& lane(int peer) { return reinterpret_cast<Lane*>(this + 1)[peer]; }

  static size_t num_bytes(int num_ranks) {
    return sizeof(Control) + static_cast<size_t>(num_ranks) * sizeof(Lane);
  }
};

inline Control& control_of(const SharedSegment& segment) {
  return *reinterpret_cast<Control*>(segment.bytes().data());
}

}  // namespace pp::shared
