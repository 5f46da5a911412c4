#include "runtime/transport/gloo.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include "loader/core/first_line.h"
#include "runtime/transport/canonical.h"
#include "runtime/transport/interruptible_wait.h"
#include "runtime/transport/spin.h"
#include "runtime/transport/wire.h"

namespace pp {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Gloo sends a part when its receiver has said that it has memory for it, which
// takes as long as the part itself. So memory is announced ahead: for the
// headers of the next kAhead messages, and for their payloads as far as these
// are like those of kAhead messages before, which both ends know.
//
// Three streams of parts between each two ranks, each in order.
constexpr int kHeaderTag = 0;
constexpr int kExpectedTag = 1;  ///< payloads of the sizes announced ahead
constexpr int kPartTag = 2;      ///< parts that are announced when asked for
constexpr size_t kAhead = 4;
/// Of a message, what memory lies ready for.
constexpr size_t kMostExpectedBytes = size_t{8} << 20U;

/// What the payloads of a message let one expect, in bytes each.
using Sizes = std::vector<size_t>;

Sizes sizes_of(const std::vector<at::Tensor>& payloads) {
  Sizes sizes;
  for (const at::Tensor& payload : payloads) {
    sizes.push_back(payload.nbytes());
  }
  return sizes;
}

Sizes expected_after(const Sizes& sizes) {
  const size_t sum = std::accumulate(sizes.begin(), sizes.end(), size_t{0});
  return sum <= kMostExpectedBytes ? sizes : Sizes{};
}

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

std::string first_line(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string text =
      torch_error ? torch_error->what_without_backtrace() : error.what();
  return pp::first_line(text);
}

struct Part {
  Work work;
  at::Tensor memory;
};

constexpr milliseconds kRestOfAHeader{10'000};

/// Whether something of a header has come; the rest of it is on the way. (c10d
/// can't be asked without waiting: isCompleted() of its Gloo works turns true
/// in wait() alone, and an aborted wait says no in any case.)
bool has_begun(const Part& header) {
  static_assert(wire::kMagic != 0);  // and before it comes there are zeros
  return __atomic_load_n(
             static_cast<const uint32_t*>(header.memory.const_data_ptr()),
             __ATOMIC_RELAXED) != 0;
}

/// Memory that was announced for a message before anybody asked for it.
struct Expected {
  Part header;
  std::deque<Part> payloads;

  Sizes sizes() const {
    Sizes out;
    for (const Part& payload : payloads) {
      out.push_back(payload.memory.nbytes());
    }
    return out;
  }
};

struct Receive {
  std::optional<Part> description;
  std::deque<Part> payloads;
  Message message;
  enum class Step { Header, Description, Payloads } step = Step::Header;
};

/// What this rank and one peer are exchanging.
struct Peer {
  /// For the next messages from there; empty before the first is asked for.
  std::deque<Expected> expected;
  /// What the peer has memory for: of the next messages to there.
  std::deque<Sizes> announced = std::deque<Sizes>(kAhead);
  /// Receives in order whose payloads are not posted yet.
  std::deque<std::shared_ptr<Receive>> unposted;
  /// Parts that nobody waits for: after a failure, mostly. Their memory stays
  /// until the end.
  std::deque<Part> abandoned;
};

/// The process group and everything under way. Pendings share it.
class Wire {
 public:
  Wire(c10::intrusive_ptr<c10d::ProcessGroupGloo> group, milliseconds grace)
      : group_(std::move(group)),
        waiter_(grace),
        peers_(static_cast<size_t>(group_->getSize())) {}

  int rank() const { return group_->getRank(); }
  int size() const { return group_->getSize(); }
  InterruptibleWait& waiter() { return waiter_; }

  std::deque<Part> send(const Message& message, int to) {
    progress();
    wire::Outgoing outgoing = wire::encode(message);
    std::deque<Part> parts;
    parts.push_back(post_send(to_tensor(outgoing.header), to, kHeaderTag));
    if (!outgoing.description.empty()) {
      parts.push_back(post_send(to_tensor(outgoing.description), to, kPartTag));
    }
    auto& announced = peers_[to].announced;
    const Sizes sizes = sizes_of(outgoing.payloads);
    const bool is_expected = sizes == announced.front();
    for (size_t i = 0; !is_expected && i < announced.front().size(); ++i) {
      parts.push_back(
          post_send(new_bytes(1), to, kExpectedTag));  // in its place
    }
    for (const at::Tensor& payload : outgoing.payloads) {
      parts.push_back(post_send(
          flat_memory(payload), to, is_expected ? kExpectedTag : kPartTag));
    }
    announced.pop_front();
    announced.push_back(expected_after(sizes));
    return parts;
  }

  void wait_sent(std::deque<Part>& parts, int to, milliseconds timeout) {
    progress();
    const auto deadline = Clock::now() + std::min(timeout, kLongest);
    while (!parts.empty()) {
      waiter_.wait(parts.front().work, deadline, timeout, "to", to);
      parts.pop_front();
    }
  }

  void abandon(std::deque<Part> parts, int to) {
    auto& all = peers_[to].abandoned;
    std::ranges::move(parts, std::back_inserter(all));
  }

  std::shared_ptr<Receive> recv(int from) {
    progress();
    while (peers_[from].expected.size() < kAhead) {
      expect(from, {});
    }
    peers_[from].unposted.push_back(std::make_shared<Receive>());
    return peers_[from].unposted.back();
  }

  Message wait_received(
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

 private:
  /// Posts the payloads of messages whose headers have come, so that they
  /// travel while this rank computes.
  void progress() {
    waiter_.throw_if_interrupted();
    for (int from = 0; from < size(); ++from) {
      Peer& peer = peers_[from];
      try {
        while (!peer.unposted.empty() &&
               peer.unposted.front()->step == Receive::Step::Header &&
               has_begun(peer.expected.front().header)) {
          waiter_.wait(
              peer.expected.front().header.work,
              Clock::now() + kRestOfAHeader,
              kRestOfAHeader,
              "from",
              from);
          advance(from);
        }
      } catch (const Error&) {
        throw;
      } catch (const std::exception&) {
        // A broken connection is reported by the wait that needs it: c10d
        // keeps throwing.
      }
    }
  }

  /// What the first unposted message of `from` waits for.
  const Part& next_part(int from) const {
    const Receive& receive = *peers_[from].unposted.front();
    return receive.step == Receive::Step::Header
               ? peers_[from].expected.front().header
               : *receive.description;
  }

  /// Announces memory for one more message.
  void expect(int from, const Sizes& sizes) {
    Expected expected;
    // Zeros: what a shorter header leaves of it is not anybody's old data.
    expected.header = post_recv(
        at::zeros({static_cast<int64_t>(wire::kHeaderBytes)}, at::kByte),
        from,
        kHeaderTag);
    for (const size_t num_bytes : sizes) {
      expected.payloads.push_back(
          post_recv(new_bytes(num_bytes), from, kExpectedTag));
    }
    peers_[from].expected.push_back(std::move(expected));
  }

  /// The part that the first unposted message of `from` lacked has come.
  void advance(int from) {
    Peer& peer = peers_[from];
    Receive& receive = *peer.unposted.front();
    const auto header = to_bytes(peer.expected.front().header.memory);
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
        peer.expected.front(),
        from,
        receive);
    receive.step = Receive::Step::Payloads;
    // An abandoned receive: nobody else would keep the memory alive.
    if (peer.unposted.front().use_count() == 1) {
      std::ranges::move(receive.payloads, std::back_inserter(peer.abandoned));
    }
    peer.unposted.pop_front();
    peer.expected.pop_front();
    expect(from, expected_after(sizes));
  }

  /// Where the message's payloads are to come: in the memory that was
  /// announced for them, if they are as expected.
  Sizes post_payloads(
      std::span<const std::byte> header,
      std::span<const std::byte> description,
      Expected& expected,
      int from,
      Receive& receive) {
    const Sizes sizes = wire::payload_bytes(header, description);
    const bool is_expected = sizes == expected.sizes();
    // If they are not, a byte comes in the place of each.
    receive.payloads = std::move(expected.payloads);
    if (is_expected) {
      auto next = receive.payloads.begin();
      receive.message = wire::decode(
                            header,
                            description,
                            [&](at::IntArrayRef dims,
                                at::IntArrayRef strides,
                                at::ScalarType dtype) {
                              const at::Tensor bytes = (next++)->memory;
                              return at::for_blob(bytes.data_ptr(), dims)
                                  .strides(strides)
                                  .deleter([bytes](void*) {})
                                  .options(at::TensorOptions().dtype(dtype))
                                  .make_tensor();
                            })
                            .message;
      return sizes;
    }
    wire::Incoming incoming = wire::decode(header, description);
    receive.message = std::move(incoming.message);
    for (const at::Tensor& payload : incoming.payloads) {
      receive.payloads.push_back(
          post_recv(flat_memory(payload), from, kPartTag));
    }
    return sizes;
  }

  Part post_send(at::Tensor memory, int to, int tag) {
    std::vector<at::Tensor> one{memory};
    try {
      return {group_->send(one, to, tag), std::move(memory)};
    } catch (const std::exception&) {
      waiter_.throw_closed(to);
    }
  }

  Part post_recv(at::Tensor memory, int from, int tag) {
    std::vector<at::Tensor> one{memory};
    try {
      return {group_->recv(one, from, tag), std::move(memory)};
    } catch (const std::exception&) {
      waiter_.throw_closed(from);
    }
  }

  // Last to be destroyed: works refer to its connections.
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
  InterruptibleWait waiter_;
  std::vector<Peer> peers_;
};

class GlooSend : public Pending {
 public:
  GlooSend(std::shared_ptr<Wire> wire, std::deque<Part> parts, int to)
      : wire_(std::move(wire)), parts_(std::move(parts)), to_(to) {}
  GlooSend(const GlooSend&) = delete;
  GlooSend& operator=(const GlooSend&) = delete;
  ~GlooSend() override { wire_->abandon(std::move(parts_), to_); }

  Message wait(milliseconds timeout) override {
    wire_->wait_sent(parts_, to_, timeout);
    return {};
  }

 private:
  std::shared_ptr<Wire> wire_;
  std::deque<Part> parts_;
  int to_;
};

class GlooRecv : public Pending {
 public:
  GlooRecv(std::shared_ptr<Wire> wire, int from)
      : wire_(std::move(wire)), receive_(wire_->recv(from)), from_(from) {}
  GlooRecv(const GlooRecv&) = delete;
  GlooRecv& operator=(const GlooRecv&) = delete;
  ~GlooRecv() override {
    // Not waited for: the memory stays until the payloads are in.
    if (receive_->step == Receive::Step::Payloads) {
      wire_->abandon(std::move(receive_->payloads), from_);
    }
  }

  Message wait(milliseconds timeout) override {
    return wire_->wait_received(receive_, from_, timeout);
  }

 private:
  std::shared_ptr<Wire> wire_;
  std::shared_ptr<Receive> receive_;
  int from_;
};

class GlooTransport : public Transport {
 public:
  explicit GlooTransport(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}

  int rank() const override { return wire_->rank(); }
  int size() const override { return wire_->size(); }

  std::unique_ptr<Pending> send(Message message, int to) override {
    check_peer(to);
    auto parts = wire_->send(canonical(std::move(message)), to);
    return std::make_unique<GlooSend>(wire_, std::move(parts), to);
  }

  std::unique_ptr<Pending> recv(int from) override {
    check_peer(from);
    return std::make_unique<GlooRecv>(wire_, from);
  }

  void interrupt(const Error& cause) noexcept override {
    wire_->waiter().interrupt(cause);
  }

 private:
  void check_peer(int peer) const {
    check(
        peer >= 0 && peer < size() && peer != rank(),
        "messages go to another rank of the job");
  }

  std::shared_ptr<Wire> wire_;
};

}  // namespace

std::unique_ptr<Transport> make_gloo_transport(
    c10::intrusive_ptr<c10d::Store> store,
    int rank,
    int size,
    const GlooOptions& options) {
  using Group = c10d::ProcessGroupGloo;
  try {
    auto group_options = Group::Options::create(options.connect_timeout);
    group_options->threads = 1;  // for collectives, which we do not use
    group_options->devices.push_back(
        options.interface_name.empty()
            ? Group::createDeviceForHostname(options.address)
            : Group::createDeviceForInterface(options.interface_name));
    auto group = c10::make_intrusive<Group>(store, rank, size, group_options);
    return std::make_unique<GlooTransport>(
        std::make_shared<Wire>(std::move(group), options.grace));
  } catch (const std::exception& error) {
    throw runtime_error(
        "rank " + std::to_string(rank) +
        " can't connect to its peers through " +
        (options.interface_name.empty() ? options.address
                                        : options.interface_name) +
        ": " + first_line(error));
  }
}

}  // namespace pp
