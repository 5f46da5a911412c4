#include "runtime/transport/gloo/gloo.h"

#include <string>
#include <utility>

#include <c10/util/Exception.h>

#include "loader/core/first_line.h"
#include "runtime/transport/canonical.h"
#include "runtime/transport/errors.h"
#include "runtime/transport/gloo/gloo_wire.h"

namespace pp {
namespace {

class GlooSend : public Pending {
 public:
  GlooSend(
      std::shared_ptr<GlooWire> wire, std::deque<GlooWire::Part> parts, int to)
      : wire_(std::move(wire)), parts_(std::move(parts)), to_(to) {}
  GlooSend(const GlooSend&) = delete;
  GlooSend& operator=(const GlooSend&) = delete;
  ~GlooSend() override { wire_->abandon(std::move(parts_), to_); }

  Message wait(std::chrono::milliseconds timeout) override {
    wire_->wait_sent(parts_, to_, timeout);
    return {};
  }

 private:
  std::shared_ptr<GlooWire> wire_;
  std::deque<GlooWire::Part> parts_;
  int to_;
};

class GlooRecv : public Pending {
 public:
  GlooRecv(std::shared_ptr<GlooWire> wire, int from)
      : wire_(std::move(wire)), receive_(wire_->recv(from)), from_(from) {}
  GlooRecv(const GlooRecv&) = delete;
  GlooRecv& operator=(const GlooRecv&) = delete;
  ~GlooRecv() override {
    // If nobody waited for it, the memory must stay until the payloads are in.
    if (receive_->step == GlooWire::Receive::Step::Payloads) {
      wire_->abandon(std::move(receive_->payloads), from_);
    }
  }

  Message wait(std::chrono::milliseconds timeout) override {
    return wire_->wait_received(receive_, from_, timeout);
  }

 private:
  std::shared_ptr<GlooWire> wire_;
  std::shared_ptr<GlooWire::Receive> receive_;
  int from_;
};

class GlooTransport : public Transport {
 public:
  explicit GlooTransport(std::shared_ptr<GlooWire> wire)
      : wire_(std::move(wire)) {}

  int rank() const override { return wire_->rank(); }
  int size() const override { return wire_->size(); }

  std::unique_ptr<Pending> send(Message message, int to) override {
    check_peer(to, rank(), size());
    auto parts = wire_->send(canonical(std::move(message)), to);
    return std::make_unique<GlooSend>(wire_, std::move(parts), to);
  }

  std::unique_ptr<Pending> recv(int from) override {
    check_peer(from, rank(), size());
    return std::make_unique<GlooRecv>(wire_, from);
  }

  void interrupt(const Error& cause) noexcept override {
    wire_->waiter().interrupt(cause);
  }

 private:
  std::shared_ptr<GlooWire> wire_;
};

std::string reason_of(const std::exception& error) {
  const auto* torch_error = dynamic_cast<const c10::Error*>(&error);
  const std::string text =
      torch_error ? torch_error->what_without_backtrace() : error.what();
  return first_line(text);
}

class GlooEnd : public TransportEnd {
 public:
  explicit GlooEnd(const JobMember& self) : self_(self) {}

  /// Gloo exchanges its addresses by itself.
  std::string address() const override { return "gloo"; }
  bool reaches(int, const std::string& address) override {
    return !address.empty();
  }

  std::unique_ptr<Transport> connect(const std::vector<bool>&) override {
    using Group = c10d::ProcessGroupGloo;
    const ConnectOptions& options = self_.options;
    const bool by_address = options.interface_name.empty();
    try {
      auto group_options = Group::Options::create(options.connect_timeout);
      group_options->threads = 1;  // for collectives, which we do not use
      group_options->devices.push_back(
          by_address ? Group::createDeviceForHostname(options.address)
                     : Group::createDeviceForInterface(options.interface_name));
      auto group = c10::make_intrusive<Group>(
          self_.store, self_.rank, self_.size, group_options);
      return std::make_unique<GlooTransport>(
          std::make_shared<GlooWire>(std::move(group), options.grace));
    } catch (const std::exception& error) {
      throw runtime_error(
          "rank " + std::to_string(self_.rank) +
          " can't connect to its peers through " +
          (by_address ? options.address : options.interface_name) + ": " +
          reason_of(error));
    }
  }

 private:
  const JobMember self_;
};

}  // namespace

std::unique_ptr<TransportEnd> make_gloo_end(const JobMember& self) {
  return std::make_unique<GlooEnd>(self);
}

}  // namespace pp
