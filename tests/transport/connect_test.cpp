#include "runtime/transport/connect/connect.h"

#include <algorithm>
#include <barrier>

#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "tests/transport/contract.h"

namespace pp::testing {
namespace {

constexpr std::chrono::milliseconds kSoon{20000};

TEST(AllTransports, EveryKindThatUsersChooseHasARow) {
  for (const auto& choice : enum_names(TransportKind{})) {
    const auto num_rows = std::ranges::count_if(
        all_transports(),
        [&](const auto& entry) { return entry.kind == choice.value; });
    EXPECT_EQ(num_rows, choice.value == TransportKind::Auto ? 0 : 1)
        << choice.name;
  }
}

TEST(ConnectRanks, PairsMayUseDifferentTransports) {
  constexpr int kRanks = 3;
  const auto store = c10::make_intrusive<c10d::HashStore>();
  std::barrier<> all_done(kRanks);
  spawn_ranks(kRanks, [&](int rank) {
    // Rank 0 doesn't share memory; ranks 1 and 2 do with each other.
    const auto kind = rank == 0 ? TransportKind::Gloo : TransportKind::Auto;
    const auto transport = connect_ranks({store, rank, kRanks}, kind);
    std::vector<std::unique_ptr<Pending>> sends;
    for (int peer = 0; peer < kRanks; ++peer) {
      if (peer != rank) {
        sends.push_back(transport->send(numbered(rank), peer));
      }
    }
    for (int peer = 0; peer < kRanks; ++peer) {
      if (peer != rank) {
        EXPECT_EQ(transport->recv(peer)->wait(kSoon).microbatch, peer);
      }
    }
    for (const auto& send : sends) {
      send->wait(kSoon);
    }
    all_done.arrive_and_wait();
  });
}

/// Connects rank 0 of two through shared memory to a rank that left these
/// values in the store. Returns the error.
std::string error_with_peer(
    const std::string& address, const std::string& sees) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  store->c10d::Store::set("shared_memory/address/1", address);
  store->c10d::Store::set("shared_memory/sees/1", sees);
  return error_of([&] {
    connect_ranks({store, 0, 2}, all_transports().front());
  });
}

TEST(ConnectRanks, AListOfOtherRanksThanTheJobHasIsRefused) {
  for (const std::string& sees :
       std::vector<std::string>{"", "1", "111", std::string(5000, '1')}) {
    EXPECT_EQ(
        error_with_peer("", sees),
        "the job's store has a damaged list of the ranks that rank 1 reaches; "
        "does every "
        "rank run the same version of pp?");
  }
}

TEST(ConnectRanks, AnAddressThatLeadsNowhereIsNotUsed) {
  for (const std::string address :
       {"", "no address", "1", "-1 -1 -1", "0 0 0", "99999999999999 1 1"}) {
    EXPECT_EQ(
        error_with_peer(address, "11"),
        "no transport connects rank 0 with every other rank");
  }
}

TEST(ConnectRanks, AJobOfOneRankHasATransport) {
  const auto store = c10::make_intrusive<c10d::HashStore>();
  const auto transport = connect_ranks({store, 0, 1});
  EXPECT_EQ(transport->rank(), 0);
  EXPECT_EQ(transport->size(), 1);
}

}  // namespace
}  // namespace pp::testing
