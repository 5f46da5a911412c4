#include "runtime/transport/shared_memory/shared_link.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include <gtest/gtest.h>
#include <unistd.h>

#include "runtime/transport/wire.h"
#include "tests/transport/contract.h"

namespace pp::testing {
namespace {

using shared::Block;
using shared::Control;

constexpr size_t kBlockBytes = 4096;
constexpr int kOwn = 0;
constexpr int kPeer = 1;

/// The memory of another rank of this host, and this rank's link to it.
class Neighbour {
 public:
  Neighbour() {
    peer().segments[0] = {blocks_->descriptor(), kBlockBytes};
    place_message(0);
  }

  Control& peer() { return shared::control_of(*control_); }
  shared::Lane& lane() { return peer().lane(kOwn); }
  Block& block(size_t offset = 0) {
    return *reinterpret_cast<Block*>(blocks_->bytes().data() + offset);
  }

  /// Writes a message as a sender does.
  void place_message(size_t offset) {
    const wire::Outgoing out = wire::encode(numbered(7));
    block(offset).holders = 1;
    block(offset).header_bytes = static_cast<uint32_t>(out.header.size());
    block(offset).num_bytes = 1024;
    std::ranges::copy(
        out.header, reinterpret_cast<std::byte*>(&block(offset) + 1));
  }

  /// The error of reading the first message; empty if there is none.
  std::string error() {
    lane().sent = 1;
    return error_of([&] {
      link_.post();
      link_.pull();
    });
  }
  SharedLink& link() { return link_; }

 private:
  std::shared_ptr<SharedSegment> own_ =
      SharedSegment::create(Control::num_bytes(2));
  std::shared_ptr<SharedSegment> control_ =
      SharedSegment::create(Control::num_bytes(2));
  std::shared_ptr<SharedSegment> blocks_ = SharedSegment::create(kBlockBytes);
  SharedLink link_{
      kOwn, kPeer, shared::control_of(*own_), {getpid(), control_}};
};

/// The error for a damaged header, with what is wrong.
std::string damaged(const std::string& what) {
  return "a message with a damaged header arrived: " + what +
         "; does every rank run the same build of pp?";
}

TEST(SharedLink, TakesAMessageAsItWasSent) {
  Neighbour neighbour;
  EXPECT_EQ(neighbour.error(), "");
  EXPECT_TRUE(neighbour.link().queue.has(0));
  EXPECT_EQ(neighbour.link().queue.take(0).microbatch, 7);
  EXPECT_EQ(neighbour.block().holders, 0u);
}

TEST(SharedLink, APlaceOutsideItsSegmentIsRefused) {
  constexpr uint64_t kEnd = std::numeric_limits<uint64_t>::max();
  for (const uint64_t offset :
       {uint64_t{kBlockBytes},
        uint64_t{kBlockBytes - 1},
        kEnd,
        kEnd - sizeof(Block) + 1,  // the end of the header overflows to 0
        uint64_t{8}}) {            // not where a block may begin
    Neighbour neighbour;
    neighbour.lane().slots[0] = {0, offset};
    EXPECT_EQ(
        neighbour.error(),
        damaged(
            "it begins at byte " + std::to_string(offset) +
            ", outside its segment or between two blocks"));
  }
}

TEST(SharedLink, ASegmentThatIsNotThereIsRefused) {
  Neighbour neighbour;
  neighbour.lane().slots[0] = {Control::kMaxSegments, 0};
  EXPECT_EQ(
      neighbour.error(), damaged("it names segment 256, which can't exist"));
  const uint64_t wraps = (uint64_t{1} << 32U) + 0;  // 0 in 32 bits
  neighbour.lane().slots[0] = {wraps, 0};
  EXPECT_EQ(
      neighbour.error(),
      damaged("it names segment 4294967296, which can't exist"));
  neighbour.lane().slots[0] = {3, 0};
  EXPECT_EQ(neighbour.error(), damaged("its memory can't be mapped"));
}

TEST(SharedLink, ASegmentOfAnotherSizeIsNotMapped) {
  Neighbour neighbour;
  neighbour.peer().segments[0].num_bytes = 2 * kBlockBytes;
  EXPECT_EQ(neighbour.error(), damaged("its memory can't be mapped"));
}

TEST(SharedLink, ABlockThatEndsOutsideItsSegmentIsRefused) {
  for (const uint64_t num_bytes :
       {uint64_t{0},
        uint64_t{sizeof(Block) - 1},
        uint64_t{kBlockBytes + 1},
        std::numeric_limits<uint64_t>::max()}) {
    Neighbour neighbour;
    neighbour.block().num_bytes = num_bytes;
    EXPECT_EQ(
        neighbour.error(), damaged("it ends after the end of its segment"));
  }
}

TEST(SharedLink, LengthsBeyondTheBlockAreRefused) {
  constexpr uint32_t kMost = std::numeric_limits<uint32_t>::max();
  for (const auto& [header, description] :
       {std::pair(kMost, 0u), {0u, kMost}, {kMost, kMost}, {1u, kMost}}) {
    Neighbour neighbour;
    neighbour.block().header_bytes = header;
    neighbour.block().description_bytes = description;
    EXPECT_EQ(neighbour.error(), damaged("it ends early"));
  }
}

TEST(SharedLink, MoreMessagesThanTheListHoldsAreRefused) {
  Neighbour neighbour;
  neighbour.lane().sent = shared::Lane::kSlots + 1;
  EXPECT_EQ(
      error_of([&] { neighbour.link().pull(); }),
      damaged("its sender announces more messages than the list holds"));
}

}  // namespace
}  // namespace pp::testing
