#include "runtime/transport/connect.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <torch/csrc/distributed/c10d/Store.hpp>

#include "runtime/transport/shared_memory.h"
#include "runtime/transport/spin.h"

namespace pp {

namespace {

void publish(c10d::Store& store, const std::string& key, std::string text) {
  store.set(key, std::vector<uint8_t>(text.begin(), text.end()));
}

/// Waits until that rank has published it.
std::string read(c10d::Store& store, const std::string& key) {
  const std::vector<uint8_t> bytes = store.get(key);
  return {bytes.begin(), bytes.end()};
}

std::string key_of(const char* what, int rank) {
  return std::string("shared_memory/") + what + "/" + std::to_string(rank);
}

/// [a][b]: '1' where a sees the memory of b.
std::vector<std::string> who_sees_whom(
    c10d::Store& store, int rank, SharedMemoryEnd& end) {
  const int size = end.num_ranks();
  publish(store, key_of("address", rank), end.address());
  std::string mine(static_cast<size_t>(size), '0');
  for (int peer = 0; peer < size; ++peer) {
    const bool sees =
        peer == rank || end.connect(peer, read(store, key_of("address", peer)));
    mine[static_cast<size_t>(peer)] = sees ? '1' : '0';
  }
  publish(store, key_of("sees", rank), mine);
  std::vector<std::string> all;
  all.reserve(static_cast<size_t>(size));
  for (int peer = 0; peer < size; ++peer) {
    all.push_back(read(store, key_of("sees", peer)));
  }
  return all;
}

/// Shared memory to some peers, Gloo to the others.
class MixedTransport : public Transport {
 public:
  MixedTransport(
      std::unique_ptr<Transport> near,
      std::unique_ptr<Transport> far,
      std::vector<bool> is_near)
      : near_(std::move(near)),
        far_(std::move(far)),
        is_near_(std::move(is_near)) {}

  int rank() const override { return far_->rank(); }
  int size() const override { return far_->size(); }

  std::unique_ptr<Pending> send(Message message, int to) override {
    return towards(to).send(std::move(message), to);
  }
  std::unique_ptr<Pending> recv(int from) override {
    return towards(from).recv(from);
  }
  void interrupt(const Error& cause) noexcept override {
    near_->interrupt(cause);
    far_->interrupt(cause);
  }

 private:
  Transport& towards(int peer) {
    return is_near_.at(static_cast<size_t>(peer)) ? *near_ : *far_;
  }

  std::unique_ptr<Transport> near_;
  std::unique_ptr<Transport> far_;
  std::vector<bool> is_near_;  ///< by rank
};

}  // namespace

std::unique_ptr<Transport> connect_ranks(
    const c10::intrusive_ptr<c10d::Store>& store,
    int rank,
    int size,
    TransportKind kind,
    const GlooOptions& gloo) {
  if (kind == TransportKind::Gloo) {
    // Ranks that would rather share memory are told that nobody does.
    publish(*store, key_of("address", rank), "");
    publish(*store, key_of("sees", rank), std::string(size, '0'));
    return make_gloo_transport(store, rank, size, gloo);
  }
  SharedMemoryEnd end(rank, size);
  const std::vector<std::string> sees = who_sees_whom(*store, rank, end);
  std::vector<bool> is_near;
  is_near.reserve(static_cast<size_t>(size));
  for (int peer = 0; peer < size; ++peer) {
    is_near.push_back(
        peer != rank && sees[rank].at(peer) == '1' &&
        sees[peer].at(rank) == '1');
  }
  const auto near_ranks = 1 + std::ranges::count(is_near, true);
  auto near = std::move(end).transport(
      gloo.grace, may_spin(static_cast<int>(near_ranks)));
  const bool everybody_sees_everybody =
      std::ranges::all_of(sees, [](const std::string& row) {
        return row.find('0') == std::string::npos;
      });
  if (everybody_sees_everybody) {
    return near;
  }
  return std::make_unique<MixedTransport>(
      std::move(near),
      make_gloo_transport(store, rank, size, gloo),
      std::move(is_near));
}

}  // namespace pp
