#include "runtime/transport/shared_memory/block_pool.h"

#include <algorithm>
#include <bit>
#include <new>

#include "loader/core/error.h"

namespace pp {

namespace {

using shared::Block;

// A large segment costs nothing by itself: pages take memory when they are
// first written.
constexpr size_t kSegmentBytes = size_t{256} << 20;
constexpr size_t kPage = 4096;

/// Rounds up to one of few sizes, so that blocks can be reused. At most an
/// eighth is wasted.
size_t block_size(size_t num_bytes) {
  const size_t step = std::max(kPage, std::bit_floor(num_bytes) / 8);
  return (num_bytes + step - 1) / step * step;
}

}  // namespace

BlockPool::Taken BlockPool::take(size_t content_bytes) {
  const size_t num_bytes = block_size(sizeof(Block) + content_bytes);
  std::deque<Taken>& blocks = blocks_[num_bytes];
  const auto free = std::ranges::find_if(blocks, [](const Taken& taken) {
    return taken.block->holders.load(std::memory_order_acquire) == 0;
  });
  Taken taken{};
  if (free == blocks.end()) {
    taken = carve(num_bytes);
  } else {
    taken = *free;
    blocks.erase(free);
  }
  blocks.push_back(taken);
  return taken;
}

BlockPool::Taken BlockPool::carve(size_t num_bytes) {
  if (segments_.empty() ||
      used_ + num_bytes > segments_.back()->bytes().size()) {
    if (segments_.size() == shared::Control::kMaxSegments) {
      throw runtime_error(
          "messages in memory shared with the other ranks of this host need "
          "more than " +
          std::to_string(shared::Control::kMaxSegments) +
          " segments; set pipeline.transport = \"gloo\"");
    }
    segments_.push_back(
        SharedSegment::create(std::max(kSegmentBytes, num_bytes)));
    control_.segments[segments_.size() - 1] = {
        .descriptor = segments_.back()->descriptor(),
        .num_bytes = segments_.back()->bytes().size()};
    used_ = 0;
  }
  Taken taken{};
  taken.place = {
      .segment = static_cast<uint32_t>(segments_.size() - 1), .offset = used_};
  taken.block = new (segments_.back()->bytes().data() + used_) Block{};
  taken.block->num_bytes = num_bytes;
  used_ += num_bytes;
  return taken;
}

}  // namespace pp
