#include "runtime/transport/gloo.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include <ATen/ops/empty.h>
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

// Two streams of parts between each two ranks, each in order. With headers on
// their own, the receive of the next header can be posted before the payloads
// of this message are known.
constexpr int kHeaderTag = 0;
constexpr int kPartTag = 1;

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

/// Whether a part is through, without blocking: an aborted wait returns at
/// once, with true if the part was through before. (isCompleted() of c10d's
/// Gloo works turns true only in wait().)
bool is_done(const Work& work) {
  work->abort();
  return work->wait(milliseconds{1000});
}

struct Part {
  Work work;
  at::Tensor memory;
};

/// What this rank and one peer are exchanging.
struct Receive {
  Part header;
  std::optional<Part> description;
  std::deque<Part> payloads;
  Message message;
  enum class Step { Header, Description, Payloads } step = Step::Header;
};

struct Peer {
  /// Receives in order whose payloads are not posted yet.
  std::deque<std::shared_ptr<Receive>> unposted;
  /// Parts of sends that nobody waits for.
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
    for (const at::Tensor& payload : outgoing.payloads) {
      parts.push_back(post_send(flat_memory(payload), to, kPartTag));
    }
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
    auto receive = std::make_shared<Receive>();
    // Zeros: what a shorter header leaves of it is not anybody's old data.
    receive->header = post_recv(
        at::zeros({static_cast<int64_t>(wire::kHeaderBytes)}, at::kByte),
        from,
        kHeaderTag);
    peers_[from].unposted.push_back(receive);
    return receive;
  }

  Message wait_received(
      const std::shared_ptr<Receive>& receive, int from, milliseconds timeout) {
    progress();
    const auto deadline = Clock::now() + std::min(timeout, kLongest);
    auto& unposted = peers_[from].unposted;
    while (receive->step != Receive::Step::Payloads) {
      Receive& first = *unposted.front();
      waiter_.wait(next_part(first).work, deadline, timeout, "from", from);
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
  /// travel while this rank computes; drops sends that are out.
  void progress() {
    waiter_.throw_if_interrupted();
    for (int peer = 0; peer < size(); ++peer) {
      Peer& state = peers_[peer];
      try {
        while (!state.unposted.empty() &&
               is_done(next_part(*state.unposted.front()).work)) {
          advance(peer);
        }
        while (!state.abandoned.empty() &&
               is_done(state.abandoned.front().work)) {
          state.abandoned.pop_front();
        }
      } catch (const Error&) {
        throw;
      } catch (const std::exception&) {
        // A broken connection is reported by the wait that needs it: c10d
        // keeps throwing.
      }
    }
  }

  static const Part& next_part(const Receive& receive) {
    return receive.step == Receive::Step::Header ? receive.header
                                                 : *receive.description;
  }

  /// The part that the first unposted message of `from` lacked has come.
  void advance(int from) {
    auto& unposted = peers_[from].unposted;
    Receive& receive = *unposted.front();
    const auto header = to_bytes(receive.header.memory);
    if (receive.step == Receive::Step::Header) {
      if (const size_t num_bytes = wire::description_bytes(header)) {
        receive.description = post_recv(new_bytes(num_bytes), from, kPartTag);
        receive.step = Receive::Step::Description;
        return;
      }
    }
    wire::Incoming incoming = wire::decode(
        header,
        to_bytes(
            receive.description ? receive.description->memory : at::Tensor()));
    receive.message = std::move(incoming.message);
    for (const at::Tensor& payload : incoming.payloads) {
      receive.payloads.push_back(
          post_recv(flat_memory(payload), from, kPartTag));
    }
    receive.step = Receive::Step::Payloads;
    // An abandoned receive: nobody else would keep the memory alive.
    if (unposted.front().use_count() == 1) {
      auto& kept = peers_[from].abandoned;
      std::ranges::move(receive.payloads, std::back_inserter(kept));
    }
    unposted.pop_front();
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
