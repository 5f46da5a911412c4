#include "runtime/transport/shared_memory/shared_memory.h"

#include <random>
#include <sstream>
#include <string>
#include <utility>

#include <unistd.h>

#include "runtime/transport/canonical.h"
#include "runtime/transport/shared_memory/shared_host.h"

namespace pp {

namespace {

using std::chrono::milliseconds;

/// A send, which is done once the receiver has called recv() for it, as on a
/// wire. So a schedule's waits limit how much memory its messages use.
class SharedSend : public Pending {
 public:
  SharedSend(std::shared_ptr<SharedHost> host, int to, uint64_t ticket)
      : host_(std::move(host)), to_(to), ticket_(ticket) {}

  Message wait(milliseconds timeout) override {
    host_->wait_sent(to_, ticket_, timeout);
    return {};
  }

 private:
  std::shared_ptr<SharedHost> host_;
  int to_;
  uint64_t ticket_;
};

class SharedRecv : public Pending {
 public:
  SharedRecv(std::shared_ptr<SharedHost> host, int from)
      : host_(std::move(host)), from_(from), ticket_(host_->post(from)) {}
  SharedRecv(const SharedRecv&) = delete;
  SharedRecv& operator=(const SharedRecv&) = delete;
  ~SharedRecv() override {
    if (!taken_) {
      host_->link(from_).queue.abandon(ticket_);
    }
  }

  Message wait(milliseconds timeout) override {
    check(!taken_, "wait() must be called only once");
    Message message = host_->wait_received(from_, ticket_, timeout);
    taken_ = true;
    return message;
  }

 private:
  std::shared_ptr<SharedHost> host_;
  int from_;
  uint64_t ticket_;
  bool taken_ = false;
};

class SharedMemoryTransport : public Transport {
 public:
  explicit SharedMemoryTransport(std::shared_ptr<SharedHost> host)
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
  std::shared_ptr<SharedHost> host_;
};

class SharedMemoryEnd : public TransportEnd {
 public:
  explicit SharedMemoryEnd(const JobMember& self)
      : self_(self),
        control_(SharedSegment::create(shared::Control::num_bytes(self.size))) {
    std::random_device random;
    shared::control_of(*control_).nonce = (uint64_t{random()} << 32) | random();
  }

  std::string address() const override {
    return std::to_string(getpid()) + " " +
           std::to_string(control_->descriptor()) + " " +
           std::to_string(shared::control_of(*control_).nonce);
  }

  bool reaches(int peer, const std::string& address) override {
    std::istringstream text(address);
    SharedPeer found;
    int descriptor = -1;
    uint64_t nonce = 0;
    if (!(text >> found.process >> descriptor >> nonce)) {
      return false;
    }
    found.control = SharedSegment::open(
        found.process, descriptor, shared::Control::num_bytes(self_.size));
    if (!found.control || shared::control_of(*found.control).nonce != nonce) {
      return false;
    }
    peers_[peer] = std::move(found);
    return true;
  }

  std::unique_ptr<Transport> connect(const std::vector<bool>& peers) override {
    std::erase_if(peers_, [&](const auto& peer) {
      return !peers.at(static_cast<size_t>(peer.first));
    });
    const int num_ranks = static_cast<int>(peers_.size()) + 1;
    return std::make_unique<SharedMemoryTransport>(std::make_shared<SharedHost>(
        self_.rank,
        self_.size,
        std::move(control_),
        peers_,
        self_.options.grace,
        may_spin(num_ranks)));
  }

 private:
  const JobMember self_;
  std::shared_ptr<SharedSegment> control_;
  std::map<int, SharedPeer> peers_;
};

}  // namespace

std::unique_ptr<TransportEnd> make_shared_memory_end(const JobMember& self) {
  return std::make_unique<SharedMemoryEnd>(self);
}

}  // namespace pp
