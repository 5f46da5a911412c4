#include "runtime/transport/shared_memory.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <sstream>
#include <utility>
#include <vector>

#include <unistd.h>

#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>

#include "runtime/transport/block_pool.h"
#include "runtime/transport/byte_io.h"
#include "runtime/transport/canonical.h"
#include "runtime/transport/errors.h"
#include "runtime/transport/ticket_queue.h"
#include "runtime/transport/wire.h"

namespace pp {

namespace {

using Clock = std::chrono::steady_clock;
using shared::Block;
using shared::Control;
using shared::Lane;
using std::chrono::milliseconds;

Control& control_of(const SharedSegment& segment) {
  return *reinterpret_cast<Control*>(segment.bytes().data());
}

size_t aligned(size_t num_bytes) {
  return (num_bytes + shared::kAlign - 1) / shared::kAlign * shared::kAlign;
}

void release(Block& block) {
  block.holders.fetch_sub(1, std::memory_order_release);
}

/// One peer as this rank sees it.
class Link {
 public:
  Link(int rank, int peer, Control& own, SharedMemoryEnd::Peer end)
      : end_(std::move(end)),
        out_(own.lane(peer)),
        in_(control_of(*end_.control).lane(rank)) {}

  bool is_closed() const { return control().closed.load() != 0; }
  Control& control() const { return control_of(*end_.control); }

  /// Returns its ticket.
  uint64_t send(const Message& message, BlockPool& pool) {
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

  /// Puts what waits into the lane, as far as there is room.
  void publish() {
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

  /// Whether the peer has called recv() for it, and can find it.
  bool is_wanted(uint64_t ticket) const {
    return out_.posted.load() > ticket && out_.sent.load() > ticket;
  }

  uint64_t post() {
    in_.posted.fetch_add(1);
    control().bell.ring();
    return queue.next_ticket();
  }

  /// Takes what has come into `queue`.
  void pull() {
    for (uint64_t taken = in_.taken.load(); taken < in_.sent.load();) {
      const bool was_full = in_.sent.load() - taken == Lane::kSlots;
      queue.push(read(in_.slots[taken % Lane::kSlots]));
      in_.taken.store(++taken);
      if (was_full) {
        control().bell.ring();
      }
    }
  }

  TicketQueue queue;

 private:
  const std::shared_ptr<SharedSegment>& segment(uint32_t index) {
    if (index >= Control::kMaxSegments) {
      throw wire::bad("segment " + std::to_string(index));
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

  Message read(const shared::Place& place) {
    const std::shared_ptr<SharedSegment> held = segment(place.segment);
    const auto bytes = held->bytes();
    if (place.offset + sizeof(Block) > bytes.size()) {
      throw wire::bad("it begins behind its segment");
    }
    auto& block = *reinterpret_cast<Block*>(bytes.data() + place.offset);
    if (block.num_bytes < sizeof(Block) ||
        block.num_bytes > bytes.size() - place.offset) {
      throw wire::bad("it ends behind its segment");
    }
    wire::Reader content(bytes.subspan(
        place.offset + sizeof(Block), block.num_bytes - sizeof(Block)));
    const size_t text_bytes = block.header_bytes + block.description_bytes;
    const auto text = content.take(aligned(text_bytes));
    Message message =
        wire::decode(
            text.first(block.header_bytes),
            text.subspan(block.header_bytes, block.description_bytes),
            [&](at::IntArrayRef sizes,
                at::IntArrayRef strides,
                at::ScalarType dtype) {
              const auto from = content.take(aligned(
                  c10::multiply_integers(sizes) * c10::elementSize(dtype)));
              block.holders.fetch_add(1, std::memory_order_relaxed);
              return at::from_blob(
                  bytes.data() + (from.data() - bytes.data()),
                  sizes,
                  strides,
                  [held, &block](void*) { release(block); },
                  at::TensorOptions().dtype(dtype));
            })
            .message;
    release(block);
    return message;
  }

  SharedMemoryEnd::Peer end_;
  Lane& out_;
  Lane& in_;
  std::deque<shared::Place> backlog_;  ///< sent, and no slot free
  uint64_t next_send_ = 0;
  std::vector<std::shared_ptr<SharedSegment>> segments_;
};

/// This rank and its links. Pendings share it.
class Host {
 public:
  Host(
      int rank,
      int size,
      std::shared_ptr<SharedSegment> control,
      const std::map<int, SharedMemoryEnd::Peer>& peers,
      milliseconds grace,
      bool spin)
      : rank_(rank),
        size_(size),
        segment_(std::move(control)),
        pool_(own()),
        grace_(grace),
        spin_(spin) {
    for (const auto& [peer, end] : peers) {
      links_.emplace(
          std::piecewise_construct,
          std::forward_as_tuple(peer),
          std::forward_as_tuple(rank, peer, own(), end));
    }
  }

  int rank() const { return rank_; }
  int size() const { return size_; }

  Link& link(int peer) {
    const auto found = links_.find(peer);
    check(found != links_.end(), "messages go to a connected rank");
    return found->second;
  }

  uint64_t send(const Message& message, int to) {
    progress();
    if (link(to).is_closed()) {
      throw_closed(to);
    }
    return link(to).send(message, pool_);
  }

  void wait_sent(int to, uint64_t ticket, milliseconds timeout) {
    wait(to, "to", timeout, [&] { return link(to).is_wanted(ticket); });
  }

  uint64_t post(int from) {
    progress();
    return link(from).post();
  }

  Message wait_received(int from, uint64_t ticket, milliseconds timeout) {
    Link& source = link(from);
    wait(from, "from", timeout, [&] {
      source.pull();
      return source.queue.has(ticket);
    });
    return source.queue.take(ticket);
  }

  void interrupt(const Error& cause) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (!cause_) {
        cause_ = cause;
      }
    }
    interrupted_.store(true);
    own().bell.ring();
  }

  void close() {
    progress_quietly();
    own().closed.store(1);
    for (auto& [peer, link] : links_) {
      link.control().bell.ring();
    }
  }

 private:
  Control& own() { return control_of(*segment_); }

  void progress_quietly() {
    for (auto& [peer, link] : links_) {
      link.publish();
    }
  }

  void progress() {
    throw_if_interrupted();
    progress_quietly();
  }

  void throw_if_interrupted() {
    if (interrupted_.load()) {
      const std::lock_guard lock(mutex_);
      throw Error(*cause_);
    }
  }

  [[noreturn]] void throw_closed(int peer) {
    own().bell.wait(Clock::now() + grace_, /*spin=*/false, [&] {
      return interrupted_.load();
    });
    throw_if_interrupted();
    throw peer_closed(peer);
  }

  template <typename Done>
  void wait(int peer, const char* direction, milliseconds timeout, Done done) {
    bool is_done = false;
    bool closed = false;
    own().bell.wait(Clock::now() + std::min(timeout, kLongest), spin_, [&] {
      progress_quietly();
      // In this order: what was sent before closing is still taken.
      closed = link(peer).is_closed();
      is_done = done();
      return is_done || closed || interrupted_.load();
    });
    throw_if_interrupted();
    if (!is_done && closed) {
      throw_closed(peer);
    }
    if (!is_done) {
      throw waited_too_long(timeout, direction, peer);
    }
  }

  const int rank_;
  const int size_;
  std::shared_ptr<SharedSegment> segment_;
  BlockPool pool_;
  std::map<int, Link> links_;
  const milliseconds grace_;
  const bool spin_;
  std::atomic<bool> interrupted_{false};
  std::mutex mutex_;
  std::optional<Error> cause_;
};

/// Done when its receiver has asked for it, as on a wire: so a schedule's waits
/// bound what lies in blocks.
class SharedSend : public Pending {
 public:
  SharedSend(std::shared_ptr<Host> host, int to, uint64_t ticket)
      : host_(std::move(host)), to_(to), ticket_(ticket) {}

  Message wait(milliseconds timeout) override {
    host_->wait_sent(to_, ticket_, timeout);
    return {};
  }

 private:
  std::shared_ptr<Host> host_;
  int to_;
  uint64_t ticket_;
};

class SharedRecv : public Pending {
 public:
  SharedRecv(std::shared_ptr<Host> host, int from)
      : host_(std::move(host)), from_(from), ticket_(host_->post(from)) {}
  SharedRecv(const SharedRecv&) = delete;
  SharedRecv& operator=(const SharedRecv&) = delete;
  ~SharedRecv() override {
    if (!taken_) {
      host_->link(from_).queue.abandon(ticket_);
    }
  }

  Message wait(milliseconds timeout) override {
    check(!taken_, "wait() is called once");
    Message message = host_->wait_received(from_, ticket_, timeout);
    taken_ = true;
    return message;
  }

 private:
  std::shared_ptr<Host> host_;
  int from_;
  uint64_t ticket_;
  bool taken_ = false;
};

class SharedMemoryTransport : public Transport {
 public:
  explicit SharedMemoryTransport(std::shared_ptr<Host> host)
      : host_(std::move(host)) {}
  SharedMemoryTransport(const SharedMemoryTransport&) = delete;
  SharedMemoryTransport& operator=(const SharedMemoryTransport&) = delete;
  ~SharedMemoryTransport() override { host_->close(); }

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }

  std::unique_ptr<Pending> send(Message message, int to) override {
    const uint64_t ticket = host_->send(canonical(std::move(message)), to);
    return std::make_unique<SharedSend>(host_, to, ticket);
  }
  std::unique_ptr<Pending> recv(int from) override {
    return std::make_unique<SharedRecv>(host_, from);
  }
  void interrupt(const Error& cause) noexcept override {
    host_->interrupt(cause);
  }

 private:
  std::shared_ptr<Host> host_;
};

}  // namespace

SharedMemoryEnd::SharedMemoryEnd(int rank, int num_ranks)
    : rank_(rank),
      num_ranks_(num_ranks),
      control_(SharedSegment::create(Control::num_bytes(num_ranks))) {
  std::random_device random;
  control_of(*control_).nonce = (uint64_t{random()} << 32) | random();
}

std::string SharedMemoryEnd::address() const {
  return std::to_string(getpid()) + " " +
         std::to_string(control_->descriptor()) + " " +
         std::to_string(control_of(*control_).nonce);
}

bool SharedMemoryEnd::connect(int peer, const std::string& address) {
  std::istringstream text(address);
  Peer found;
  int descriptor = -1;
  uint64_t nonce = 0;
  if (!(text >> found.process >> descriptor >> nonce)) {
    return false;
  }
  found.control = SharedSegment::open(
      found.process, descriptor, Control::num_bytes(num_ranks_));
  if (!found.control || control_of(*found.control).nonce != nonce) {
    return false;
  }
  peers_[peer] = std::move(found);
  return true;
}

std::unique_ptr<Transport> SharedMemoryEnd::transport(
    milliseconds grace, bool spin) && {
  return std::make_unique<SharedMemoryTransport>(std::make_shared<Host>(
      rank_, num_ranks_, std::move(control_), peers_, grace, spin));
}

}  // namespace pp
