#include "runtime/transport/gloo/gloo_wire.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <numeric>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/ScalarType.h>

#include "runtime/transport/canonical.h"
#include "runtime/transport/spin.h"
#include "runtime/transport/wire.h"

namespace pp {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

// Three streams of parts between each two ranks, each in order.
constexpr int kHeaderTag = 0;
constexpr int kAnnouncedTag = 1;  ///< payloads whose receive is posted ahead
constexpr int kPartTag = 2;       ///< parts whose receive is posted on demand

/// Number of messages for which receives are posted in advance.
constexpr size_t kAhead = 4;
/// Largest payloads of a message for which receives are posted in advance, in
/// bytes.
constexpr size_t kMaxAnnouncedBytes = size_t{8} << 20U;

/// How long the rest of a header that has begun to arrive may take.
constexpr milliseconds kRestOfHeader{10'000};

at::Tensor new_bytes(size_t num_bytes) {
  return at::empty({static_cast<int64_t>(num_bytes)}, at::kByte);
}

at::Tensor to_tensor(const std::vector<std::byte>& bytes) {
  at::Tensor out = new_bytes(bytes.size());
  std::memcpy(out.mutable_data_ptr(), bytes.data(), bytes.size());
  return out;
}

std::span<const std::byte> to_bytes(const at::Tensor& bytes) {
  if (!bytes.defined()) {
    return {};
  }
  return {
      static_cast<const std::byte*>(bytes.const_data_ptr()), bytes.nbytes()};
}

}  // namespace

GlooWire::Sizes GlooWire::Posted::payload_sizes() const {
  Sizes sizes;
  for (const Part& payload : payloads) {
    sizes.push_back(payload.memory.nbytes());
  }
  return sizes;
}

GlooWire::Peer::Peer() : announced(kAhead) {}

GlooWire::GlooWire(
    c10::intrusive_ptr<c10d::ProcessGroupGloo> group, milliseconds grace)
    : group_(std::move(group)),
      waiter_(grace),
      peers_(static_cast<size_t>(group_->getSize())) {}

/// The payloads to post receives for, once a message had payloads of `sizes`.
GlooWire::Sizes GlooWire::announced_after(const Sizes& sizes) {
  const size_t sum = std::accumulate(sizes.begin(), sizes.end(), size_t{0});
  return sum <= kMaxAnnouncedBytes ? sizes : Sizes{};
}

/// Whether the beginning of a header has arrived, so that the rest will follow.
/// (c10d can't be asked without waiting: isCompleted() of its Gloo works
/// becomes true only in wait(), and an aborted wait always says no.)
bool GlooWire::has_begun(const Part& header) {
  static_assert(wire::kMagic != 0);  // the memory holds zeros before
  return __atomic_load_n(
             static_cast<const uint32_t*>(header.memory.const_data_ptr()),
             __ATOMIC_RELAXED) != 0;
}

std::deque<GlooWire::Part> GlooWire::send(const Message& message, int to) {
  progress();
  const wire::Outgoing outgoing = wire::encode(message);
  std::deque<Part> parts;
  parts.push_back(post_send(to_tensor(outgoing.header), to, kHeaderTag));
  if (!outgoing.description.empty()) {
    parts.push_back(post_send(to_tensor(outgoing.description), to, kPartTag));
  }
  auto& announced = peers_[to].announced;
  Sizes sizes;
  for (const at::Tensor& payload : outgoing.payloads) {
    sizes.push_back(payload.nbytes());
  }
  const bool is_announced = sizes == announced.front();
  for (size_t i = 0; !is_announced && i < announced.front().size(); ++i) {
    // A byte takes the place of each payload that was announced.
    parts.push_back(post_send(at::zeros({1}, at::kByte), to, kAnnouncedTag));
  }
  for (const at::Tensor& payload : outgoing.payloads) {
    parts.push_back(post_send(
        flat_memory(payload), to, is_announced ? kAnnouncedTag : kPartTag));
  }
  announced.pop_front();
  announced.push_back(announced_after(sizes));
  return parts;
}

void GlooWire::wait_sent(
    std::deque<Part>& parts, int to, milliseconds timeout) {
  progress();
  const auto deadline = Clock::now() + std::min(timeout, kLongest);
  while (!parts.empty()) {
    waiter_.wait(parts.front().work, deadline, timeout, "to", to);
    parts.pop_front();
  }
}

void GlooWire::abandon(std::deque<Part> parts, int peer) {
  std::ranges::move(parts, std::back_inserter(peers_[peer].abandoned));
}

std::shared_ptr<GlooWire::Receive> GlooWire::recv(int from) {
  progress();
  while (peers_[from].posted.size() < kAhead) {
    post_ahead(from, {});
  }
  peers_[from].open.push_back(std::make_shared<Receive>());
  return peers_[from].open.back();
}

Message GlooWire::wait_received(
    const std::shared_ptr<Receive>& receive, int from, milliseconds timeout) {
  progress();
  const auto deadline = Clock::now() + std::min(timeout, kLongest);
  while (receive->step != Receive::Step::Payloads) {
    waiter_.wait(next_part(from).work, deadline, timeout, "from", from);
    advance(from);
  }
  while (!receive->payloads.empty()) {
    waiter_.wait(
        receive->payloads.front().work, deadline, timeout, "from", from);
    receive->payloads.pop_front();
  }
  return std::move(receive->message);
}

/// Posts receives for the payloads of messages whose headers have arrived, so
/// that they travel while this rank computes.
void GlooWire::progress() {
  waiter_.throw_if_interrupted();
  for (int from = 0; from < size(); ++from) {
    Peer& peer = peers_[from];
    try {
      while (!peer.open.empty() &&
             peer.open.front()->step == Receive::Step::Header &&
             has_begun(peer.posted.front().header)) {
        waiter_.wait(
            peer.posted.front().header.work,
            Clock::now() + kRestOfHeader,
            kRestOfHeader,
            "from",
            from);
        advance(from);
      }
    } catch (const Error&) {
      throw;
    } catch (const std::exception&) {
      // A broken connection is reported by the wait that needs it: c10d keeps
      // throwing.
    }
  }
}

/// The part that the first open receive from `from` waits for.
const GlooWire::Part& GlooWire::next_part(int from) const {
  const Receive& receive = *peers_[from].open.front();
  return receive.step == Receive::Step::Header
             ? peers_[from].posted.front().header
             : *receive.description;
}

/// Posts the receives of one more message from `from`.
void GlooWire::post_ahead(int from, const Sizes& sizes) {
  Posted posted;
  // Zeros: a header may be shorter, and the rest must not be old data.
  posted.header = post_recv(
      at::zeros({static_cast<int64_t>(wire::kHeaderBytes)}, at::kByte),
      from,
      kHeaderTag);
  for (const size_t num_bytes : sizes) {
    posted.payloads.push_back(
        post_recv(new_bytes(num_bytes), from, kAnnouncedTag));
  }
  peers_[from].posted.push_back(std::move(posted));
}

/// Uses the part that has arrived for the first open receive from `from`.
void GlooWire::advance(int from) {
  Peer& peer = peers_[from];
  Receive& receive = *peer.open.front();
  const auto header = to_bytes(peer.posted.front().header.memory);
  if (receive.step == Receive::Step::Header) {
    if (const size_t num_bytes = wire::description_bytes(header)) {
      receive.description = post_recv(new_bytes(num_bytes), from, kPartTag);
      receive.step = Receive::Step::Description;
      return;
    }
  }
  const Sizes sizes = post_payloads(
      header,
      to_bytes(
          receive.description ? receive.description->memory : at::Tensor()),
      peer.posted.front(),
      from,
      receive);
  receive.step = Receive::Step::Payloads;
  // If the receive was abandoned, nobody else keeps the memory alive.
  if (peer.open.front().use_count() == 1) {
    std::ranges::move(receive.payloads, std::back_inserter(peer.abandoned));
  }
  peer.open.pop_front();
  peer.posted.pop_front();
  post_ahead(from, announced_after(sizes));
}

/// Receives the payloads into the memory posted in advance if they have the
/// announced sizes, else into new memory. Returns their sizes.
GlooWire::Sizes GlooWire::post_payloads(
    std::span<const std::byte> header,
    std::span<const std::byte> description,
    Posted& posted,
    int from,
    Receive& receive) {
  const Sizes sizes = wire::payload_bytes(header, description);
  const bool is_announced = sizes == posted.payload_sizes();
  // If the sizes differ, one byte arrives in place of each announced payload.
  receive.payloads = std::move(posted.payloads);
  if (is_announced) {
    auto next = receive.payloads.begin();
    const auto next_memory = [&](at::IntArrayRef dims,
                                 at::IntArrayRef strides,
                                 at::ScalarType dtype) {
      const at::Tensor bytes = (next++)->memory;
      return at::for_blob(bytes.data_ptr(), dims)
          .strides(strides)
          .deleter([bytes](void*) {})
          .options(at::TensorOptions().dtype(dtype))
          .make_tensor();
    };
    receive.message = wire::decode(header, description, next_memory).message;
    return sizes;
  }
  wire::Incoming incoming = wire::decode(header, description);
  receive.message = std::move(incoming.message);
  for (const at::Tensor& payload : incoming.payloads) {
    receive.payloads.push_back(post_recv(flat_memory(payload), from, kPartTag));
  }
  return sizes;
}

GlooWire::Part GlooWire::post_send(at::Tensor memory, int to, int tag) {
  std::vector<at::Tensor> one{memory};
  try {
    return {group_->send(one, to, tag), std::move(memory)};
  } catch (const std::exception&) {
    waiter_.throw_closed(to);
  }
}

GlooWire::Part GlooWire::post_recv(at::Tensor memory, int from, int tag) {
  std::vector<at::Tensor> one{memory};
  try {
    return {group_->recv(one, from, tag), std::move(memory)};
  } catch (const std::exception&) {
    waiter_.throw_closed(from);
  }
}

}  // namespace pp
