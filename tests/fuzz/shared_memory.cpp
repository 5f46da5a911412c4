// The memory of another rank of this host: its list of segments, a lane, and a
// block with a message.
//
// An input is the number of messages and of places, what the control segment
// says about the segment of blocks, two places, and the bytes of that segment.
#include <unistd.h>

#include "runtime/transport/shared_memory/shared_link.h"
#include "tests/fuzz/harness.h"

namespace pp::fuzz {

namespace {

constexpr int kOwn = 0;
constexpr int kPeer = 1;
constexpr size_t kBlockBytes = 4096;

std::shared_ptr<SharedSegment> new_control() {
  return SharedSegment::create(shared::Control::num_bytes(2));
}

/// Writes what the peer would: its control segment, and the blocks.
void write(Numbers& input, SharedSegment& control, SharedSegment& blocks) {
  shared::Control& peer = shared::control_of(control);
  shared::Lane& lane = peer.lane(kOwn);
  const auto sent = input.next<uint64_t>();
  const auto announced = input.next<uint64_t>();
  peer.segments[0] = {
      blocks.descriptor(), announced == 0 ? kBlockBytes : announced};
  peer.segments[1] = {input.next<int16_t>(), kBlockBytes};
  for (size_t i = 0; i < 2; ++i) {
    lane.slots[i] = {input.next<uint8_t>(), input.next<uint64_t>()};
  }
  const auto content = input.take(kBlockBytes);
  if (!content.empty()) {
    std::memcpy(blocks.bytes().data(), content.data(), content.size());
  }
  lane.sent.store(sent);
}

}  // namespace

}  // namespace pp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  const auto own = fuzz::new_control();
  const auto peer = fuzz::new_control();
  const auto blocks = SharedSegment::create(fuzz::kBlockBytes);
  fuzz::Numbers input(data, size);
  fuzz::write(input, *peer, *blocks);
  SharedLink link(
      fuzz::kOwn, fuzz::kPeer, shared::control_of(*own), {getpid(), peer});
  fuzz::accepts([&] {
    link.pull();
    for (uint64_t ticket = link.queue.next_ticket(); link.queue.has(ticket);
         ticket = link.queue.next_ticket()) {
      for (const at::Tensor& tensor : link.queue.take(ticket).tensors) {
        if (tensor.defined()) {
          fuzz::touch(
              {static_cast<const std::byte*>(tensor.const_data_ptr()),
               tensor.nbytes()});
        }
      }
    }
  });
  return 0;
}
