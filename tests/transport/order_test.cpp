#include <thread>

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>

#include "tests/transport/contract.h"

namespace pp::testing {
namespace {

class Order : public TransportContract {};

TEST_P(Order, MessagesOfAPairArriveInOrder) {
  constexpr int kMessages = 50;
  run(2, [](Transport& t) {
    for (int i = 0; i < kMessages; ++i) {
      if (t.rank() == 0) {
        t.send(numbered(i), 1)->wait(kSoon);
      } else {
        const Message got = t.recv(0)->wait(kSoon);
        EXPECT_EQ(got.stage, 1);
        EXPECT_EQ(got.microbatch, i);
        EXPECT_TRUE(at::equal(got.tensors.at(0), at::full({3}, i)));
      }
    }
  });
}

TEST_P(Order, ManyMayBeUnderWayAndBeWaitedForInAnyOrder) {
  constexpr int kMessages = 20;
  run(2, [](Transport& t) {
    std::vector<std::unique_ptr<Pending>> pending;
    for (int i = 0; i < kMessages; ++i) {
      // Small ones, and ones too large for the header.
      Message message = numbered(i);
      message.tensors.push_back(at::full({i % 2 == 0 ? 1 : 5000}, i));
      pending.push_back(
          t.rank() == 0 ? t.send(std::move(message), 1) : t.recv(0));
    }
    for (int i = kMessages - 1; i >= 0; --i) {
      const Message got = pending[static_cast<size_t>(i)]->wait(kSoon);
      if (t.rank() == 1) {
        EXPECT_EQ(got.microbatch, i);
        EXPECT_TRUE(
            at::equal(got.tensors.at(1), at::full({i % 2 == 0 ? 1 : 5000}, i)));
      }
    }
  });
}

// A wire may announce memory ahead, by what came before: sizes that stay for a
// while, change, have another number of tensors, are too large or nothing.
TEST_P(Order, SizesThatChange) {
  const std::vector<std::vector<int64_t>> kinds = {
      {5000}, {5000, 9000}, {9000, 5000}, {}, {1}, {4'000'000}, {5001}};
  const auto message_of = [&](int i) {
    Message message = numbered(i);
    for (const int64_t size :
         kinds[static_cast<size_t>(i) / 7 % kinds.size()]) {
      message.tensors.push_back(at::full({size / (i % 7 == 3 ? 2 : 1)}, i));
    }
    return message;
  };
  constexpr int kMessages = 120;
  run(2, [&](Transport& t) {
    const int peer = 1 - t.rank();
    std::vector<std::unique_ptr<Pending>> sends;
    for (int i = 0; i < kMessages; ++i) {
      sends.push_back(t.send(message_of(i), peer));
      const Message got = t.recv(peer)->wait(kSoon);
      const Message wanted = message_of(i);
      ASSERT_EQ(got.tensors.size(), wanted.tensors.size());
      for (size_t k = 0; k < wanted.tensors.size(); ++k) {
        EXPECT_TRUE(at::equal(got.tensors[k], wanted.tensors[k])) << i;
      }
    }
    for (const auto& send : sends) {
      send->wait(kSoon);
    }
  });
}

TEST_P(Order, BothDirectionsAtOnce) {
  run(2, [](Transport& t) {
    const int peer = 1 - t.rank();
    std::vector<std::unique_ptr<Pending>> sends;
    std::vector<std::unique_ptr<Pending>> receives;
    for (int i = 0; i < 10; ++i) {
      Message message = numbered(100 * t.rank() + i);
      message.tensors.push_back(at::full({100000}, i));
      sends.push_back(t.send(std::move(message), peer));
      receives.push_back(t.recv(peer));
    }
    for (int i = 0; i < 10; ++i) {
      const Message got = receives[static_cast<size_t>(i)]->wait(kSoon);
      EXPECT_EQ(got.microbatch, 100 * peer + i);
      EXPECT_TRUE(at::equal(got.tensors.at(1), at::full({100000}, i)));
    }
    for (const auto& send : sends) {
      send->wait(kSoon);
    }
  });
}

TEST_P(Order, EachPairHasItsOwn) {
  for (const int num_ranks : {2, 3, 4}) {
    run(num_ranks, [](Transport& t) {
      std::vector<std::unique_ptr<Pending>> sends;
      for (int round = 0; round < 5; ++round) {
        for (int to = 0; to < t.size(); ++to) {
          if (to != t.rank()) {
            sends.push_back(t.send(numbered(100 * t.rank() + round), to));
          }
        }
      }
      for (int from = t.size() - 1; from >= 0; --from) {
        for (int round = 0; round < 5 && from != t.rank(); ++round) {
          EXPECT_EQ(t.recv(from)->wait(kSoon).microbatch, 100 * from + round);
        }
      }
      for (const auto& send : sends) {
        send->wait(kSoon);
      }
    });
  }
}

TEST_P(Order, ASendNobodyWaitsForArrives) {
  run(2, [](Transport& t) {
    if (t.rank() == 0) {
      for (int i = 0; i < 8; ++i) {
        Message message = numbered(i);
        message.tensors.push_back(at::full({200000}, i));
        t.send(std::move(message), 1);
      }
      t.recv(1)->wait(kSoon);
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      for (int i = 0; i < 8; ++i) {
        const Message got = t.recv(0)->wait(kSoon);
        EXPECT_TRUE(at::equal(got.tensors.at(1), at::full({200000}, i)));
      }
      t.send({}, 0)->wait(kSoon);
    }
  });
}

TEST_P(Order, AnAbandonedReceiveTakesItsMessageWithIt) {
  run(2, [](Transport& t) {
    if (t.rank() == 0) {
      for (int i = 0; i < 3; ++i) {
        Message message = numbered(i);
        message.tensors.push_back(at::full({5000}, i));
        t.send(std::move(message), 1)->wait(kSoon);
      }
    } else {
      t.recv(0);  // before its message has come
      const Message second = t.recv(0)->wait(kSoon);
      EXPECT_EQ(second.microbatch, 1);
      EXPECT_TRUE(at::equal(second.tensors.at(1), at::full({5000}, 1)));
      EXPECT_EQ(t.recv(0)->wait(kSoon).microbatch, 2);
    }
  });
}

INSTANTIATE_TEST_SUITE_P(
    Transports, Order, ::testing::ValuesIn(backends()), backend_name);

}  // namespace
}  // namespace pp::testing
