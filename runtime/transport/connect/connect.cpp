#include "runtime/transport/connect/connect.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "runtime/transport/gloo/gloo.h"
#include "runtime/transport/shared_memory/shared_memory.h"

namespace pp {

namespace {

constexpr std::array kTransports = {
    TransportEntry{
        .name = "shared_memory",
        .kind = std::nullopt,
        .make_end = make_shared_memory_end},
    TransportEntry{
        .name = "gloo", .kind = TransportKind::Gloo, .make_end = make_gloo_end},
};

/// [a][b]: '1' where rank a reaches rank b.
using Reach = std::vector<std::string>;

void publish(c10d::Store& store, const std::string& key, std::string text) {
  store.set(key, std::vector<uint8_t>(text.begin(), text.end()));
}

/// Waits until that rank has published it.
std::string read(c10d::Store& store, const std::string& key) {
  const std::vector<uint8_t> bytes = store.get(key);
  return {bytes.begin(), bytes.end()};
}

std::string key_of(std::string_view transport, const char* what, int rank) {
  return std::string(transport) + "/" + what + "/" + std::to_string(rank);
}

/// Tells ranks that would use the transport that this one doesn't.
void decline(const JobMember& self, std::string_view transport) {
  publish(*self.store, key_of(transport, "address", self.rank), "");
  publish(
      *self.store,
      key_of(transport, "sees", self.rank),
      std::string(static_cast<size_t>(self.size), '0'));
}

/// Has every rank try every other.
Reach try_all(
    const JobMember& self, std::string_view transport, TransportEnd& end) {
  c10d::Store& store = *self.store;
  publish(store, key_of(transport, "address", self.rank), end.address());
  std::string own(static_cast<size_t>(self.size), '0');
  for (int peer = 0; peer < self.size; ++peer) {
    const bool reaches =
        peer == self.rank ||
        end.reaches(peer, read(store, key_of(transport, "address", peer)));
    own[static_cast<size_t>(peer)] = reaches ? '1' : '0';
  }
  publish(store, key_of(transport, "sees", self.rank), own);
  Reach all;
  all.reserve(static_cast<size_t>(self.size));
  for (int peer = 0; peer < self.size; ++peer) {
    all.push_back(read(store, key_of(transport, "sees", peer)));
    if (all.back().size() != own.size()) {
      throw runtime_error(
          "the job's store has a damaged list of the ranks that rank " +
          std::to_string(peer) +
          " reaches; does every rank run the same version of pp?");
    }
  }
  return all;
}

/// Several transports, each to some of the peers.
class MixedTransport : public Transport {
 public:
  /// by_peer  index of the transport to each rank
  MixedTransport(
      std::vector<std::unique_ptr<Transport>> all, std::vector<size_t> by_peer)
      : all_(std::move(all)), by_peer_(std::move(by_peer)) {}

  int rank() const override { return all_.front()->rank(); }
  int size() const override { return all_.front()->size(); }

  std::unique_ptr<Pending> send(Message message, int to) override {
    return transport_to(to).send(std::move(message), to);
  }
  std::unique_ptr<Pending> recv(int from) override {
    return transport_to(from).recv(from);
  }
  void interrupt(const Error& cause) noexcept override {
    for (const auto& transport : all_) {
      transport->interrupt(cause);
    }
  }

 private:
  Transport& transport_to(int peer) {
    return *all_[by_peer_.at(static_cast<size_t>(peer))];
  }

  std::vector<std::unique_ptr<Transport>> all_;
  std::vector<size_t> by_peer_;
};

/// Connects pairs of ranks, one transport after the other.
class Connector {
 public:
  explicit Connector(const JobMember& self)
      : self_(self),
        connected_(
            static_cast<size_t>(self.size),
            std::string(static_cast<size_t>(self.size), '0')),
        by_peer_(static_cast<size_t>(self.size), 0) {
    for (size_t rank = 0; rank < connected_.size(); ++rank) {
      connected_[rank][rank] = '1';
    }
  }

  /// Whether every pair of ranks has a transport.
  bool is_done() const {
    return !transports_.empty() &&
           std::ranges::all_of(connected_, [](const std::string& row) {
             return row.find('0') == std::string::npos;
           });
  }

  /// Connects the pairs that reach each other and have no transport yet.
  void use(const TransportEntry& entry) {
    const auto end = entry.make_end(self_);
    const std::string every_rank(connected_.size(), '1');
    const Reach reach = entry.kind ? Reach(connected_.size(), every_rank)
                                   : try_all(self_, entry.name, *end);
    std::vector<bool> peers(connected_.size(), false);
    for (size_t a = 0; a < connected_.size(); ++a) {
      for (size_t b = 0; b < connected_.size(); ++b) {
        if (connected_[a][b] == '1' || reach[a].at(b) != '1' ||
            reach[b].at(a) != '1') {
          continue;
        }
        connected_[a][b] = '1';
        if (a == static_cast<size_t>(self_.rank)) {
          peers[b] = true;
          by_peer_[b] = transports_.size();
        }
      }
    }
    transports_.push_back(end->connect(peers));
  }

  std::unique_ptr<Transport> take() {
    if (!is_done()) {
      throw runtime_error(
          "no transport connects rank " + std::to_string(self_.rank) +
          " with every other rank");
    }
    if (transports_.size() == 1) {
      return std::move(transports_.front());
    }
    return std::make_unique<MixedTransport>(
        std::move(transports_), std::move(by_peer_));
  }

 private:
  const JobMember& self_;
  Reach connected_;
  std::vector<std::unique_ptr<Transport>> transports_;
  std::vector<size_t> by_peer_;  ///< index in `transports_`
};

/// Connects ranks by the transports for which `is_chosen`, in the table's
/// order.
template <typename IsChosen>
std::unique_ptr<Transport> connect_by(
    const JobMember& self, IsChosen is_chosen) {
  Connector connector(self);
  for (const TransportEntry& entry : kTransports) {
    if (!connector.is_done() && is_chosen(entry)) {
      connector.use(entry);
    } else if (!entry.kind) {
      decline(self, entry.name);
    }
  }
  return connector.take();
}

}  // namespace

std::span<const TransportEntry> all_transports() {
  return kTransports;
}

std::unique_ptr<Transport> connect_ranks(
    const JobMember& self, TransportKind kind) {
  return connect_by(self, [&](const TransportEntry& entry) {
    return kind == TransportKind::Auto || entry.kind == kind;
  });
}

std::unique_ptr<Transport> connect_ranks(
    const JobMember& self, const TransportEntry& transport) {
  return connect_by(self, [&](const TransportEntry& entry) {
    return entry.name == transport.name;
  });
}

}  // namespace pp
