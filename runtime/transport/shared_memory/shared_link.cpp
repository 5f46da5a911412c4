#include "runtime/transport/shared_memory/shared_link.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <utility>

#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>

#include "loader/archive/bytes.h"
#include "runtime/transport/byte_io.h"
#include "runtime/transport/wire.h"

namespace pp {

using shared::aligned;
using shared::Block;
using shared::Control;
using shared::Lane;

SharedLink::SharedLink(int rank, int peer, Control& own, SharedPeer end)
    : end_(std::move(end)),
      out_(own.lane(peer)),
      in_(shared::control_of(*end_.control).lane(rank)) {}

uint64_t SharedLink::send(const Message& message, BlockPool& pool) {
  const wire::Outgoing parts = wire::encode(message);
  size_t num_bytes = aligned(parts.header.size() + parts.description.size());
  for (const at::Tensor& payload : parts.payloads) {
    num_bytes += aligned(payload.nbytes());
  }
  const BlockPool::Taken taken = pool.take(num_bytes);
  Block& block = *taken.block;
  block.header_bytes = static_cast<uint32_t>(parts.header.size());
  block.description_bytes = static_cast<uint32_t>(parts.description.size());
  auto* to = reinterpret_cast<std::byte*>(&block + 1);
  std::ranges::copy(parts.header, to);
  std::ranges::copy(parts.description, to + parts.header.size());
  to += aligned(parts.header.size() + parts.description.size());
  for (const at::Tensor& payload : parts.payloads) {
    const auto bytes = wire::bytes_of(payload);
    std::memcpy(to, bytes.data(), bytes.size());
    to += aligned(bytes.size());
  }
  block.holders.store(1, std::memory_order_relaxed);
  backlog_.push_back(taken.place);
  publish();
  return next_send_++;
}

void SharedLink::publish() {
  uint64_t sent = out_.sent.load(std::memory_order_relaxed);
  bool rings = false;
  while (!backlog_.empty() && sent - out_.taken.load() < Lane::kSlots) {
    out_.slots[sent % Lane::kSlots] = backlog_.front();
    backlog_.pop_front();
    out_.sent.store(++sent);
    rings = true;
  }
  if (rings) {
    control().bell.ring();
  }
}

uint64_t SharedLink::post() {
  in_.posted.fetch_add(1);
  control().bell.ring();
  return queue.next_ticket();
}

void SharedLink::pull() {
  for (uint64_t taken = in_.taken.load(); taken < in_.sent.load();) {
    const uint64_t waiting = in_.sent.load() - taken;
    if (waiting > Lane::kSlots) {
      throw wire::bad("its sender announces more messages than the list holds");
    }
    const bool was_full = waiting == Lane::kSlots;
    // A copy: the sender could still change the slot.
    const shared::Place place = in_.slots[taken % Lane::kSlots];
    queue.push(read(place));
    in_.taken.store(++taken);
    if (was_full) {
      control().bell.ring();
    }
  }
}

const std::shared_ptr<SharedSegment>& SharedLink::segment(uint64_t index) {
  if (index >= Control::kMaxSegments) {
    throw wire::bad(
        "it names segment " + std::to_string(index) + ", which can't exist");
  }
  if (index >= segments_.size()) {
    segments_.resize(index + 1);
  }
  auto& segment = segments_[index];
  if (!segment) {
    const Control::Segment& announced = control().segments[index];
    segment = SharedSegment::open(
        end_.process, announced.descriptor, announced.num_bytes);
  }
  if (!segment) {
    throw wire::bad("its memory can't be mapped");
  }
  return segment;
}

Message SharedLink::read(const shared::Place& place) {
  const std::shared_ptr<SharedSegment> held = segment(place.segment);
  const auto bytes = held->bytes();
  if (!fits(place.offset, sizeof(Block), bytes.size()) ||
      place.offset % alignof(Block) != 0) {
    throw wire::bad(
        "it begins at byte " + std::to_string(place.offset) +
        ", outside its segment or between two blocks");
  }
  auto& block = *reinterpret_cast<Block*>(bytes.data() + place.offset);
  // The sender could still change these numbers, so each is read once.
  const uint64_t num_bytes = block.num_bytes;
  const size_t header_bytes = block.header_bytes;
  const size_t description_bytes = block.description_bytes;
  if (num_bytes < sizeof(Block) || num_bytes > bytes.size() - place.offset) {
    throw wire::bad("it ends after the end of its segment");
  }
  wire::Reader content(
      bytes.subspan(place.offset + sizeof(Block), num_bytes - sizeof(Block)));
  const auto text = content.take(aligned(header_bytes + description_bytes));
  const auto tensor_in_block = [&](at::IntArrayRef sizes,
                                   at::IntArrayRef strides,
                                   at::ScalarType dtype) {
    const auto from = content.take(
        aligned(c10::multiply_integers(sizes) * c10::elementSize(dtype)));
    block.holders.fetch_add(1, std::memory_order_relaxed);
    return at::from_blob(
        bytes.data() + (from.data() - bytes.data()),
        sizes,
        strides,
        [held, &block](void*) { release(block); },
        at::TensorOptions().dtype(dtype));
  };
  Message message = wire::decode(
                        text.first(header_bytes),
                        text.subspan(header_bytes, description_bytes),
                        tensor_in_block)
                        .message;
  release(block);
  return message;
}

}  // namespace pp
