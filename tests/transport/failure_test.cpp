#include <latch>
#include <thread>

#include <ATen/ops/full.h>

#include "tests/transport/contract.h"

namespace pp::testing {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

class Failure : public TransportContract {};

milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

TEST_P(Failure, InterruptWakesAReceiveAtOnce) {
  run(2, [](Transport& t) {
    if (t.rank() == 0) {
      return;
    }
    const auto pending = t.recv(0);
    std::thread other([&] {
      std::this_thread::sleep_for(milliseconds(100));
      t.interrupt(input_error("the first cause"));
      t.interrupt(runtime_error("a later one"));
    });
    const auto start = Clock::now();
    EXPECT_EQ(error_of([&] { pending->wait(kSoon); }), "the first cause");
    EXPECT_LT(since(start), milliseconds(2000));
    other.join();

    EXPECT_EQ(error_of([&] { t.recv(0); }), "the first cause");
    EXPECT_EQ(error_of([&] { t.send(numbered(0), 0); }), "the first cause");
  });
}

TEST_P(Failure, InterruptWakesAWaitForASend) {
  run(2, [](Transport& t) {
    if (t.rank() == 0) {
      return;  // asks for nothing
    }
    Message large;
    large.tensors = {at::full({4 << 20}, 1)};
    const auto pending = t.send(std::move(large), 0);
    std::thread other([&] {
      std::this_thread::sleep_for(milliseconds(100));
      t.interrupt(runtime_error("enough"));
    });
    const auto start = Clock::now();
    const std::string first = error_of([&] { pending->wait(kSoon); });
    other.join();
    EXPECT_EQ(first, "enough");
    EXPECT_LT(since(start), milliseconds(2000));
    EXPECT_EQ(error_of([&] { t.send(numbered(0), 0); }), "enough");
  });
}

TEST_P(Failure, AnInterruptedWaitKeepsTheKindOfTheCause) {
  run(2, [](Transport& t) {
    t.interrupt(input_error("bad file"));
    try {
      t.recv(1 - t.rank())->wait(kSoon);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Input);
    }
  });
}

TEST_P(Failure, AWaitEndsAfterItsTimeout) {
  run(2, [](Transport& t) {
    if (t.rank() == 1) {
      const auto start = Clock::now();
      EXPECT_EQ(
          error_of([&] { t.recv(0)->wait(milliseconds(200)); }),
          "waited 200 ms for a message from rank 0");
      EXPECT_GE(since(start), milliseconds(199));
      EXPECT_LT(since(start), milliseconds(3000));
    }
  });
}

TEST_P(Failure, APeerThatLeftIsNamed) {
  const Connect connect = GetParam().job(3);
  std::latch connected(3);
  std::latch both_done(2);
  spawn_ranks(3, [&](int rank) {
    auto t = connect(rank);
    connected.arrive_and_wait();
    if (rank == 2) {
      t.reset();
    } else {
      const auto start = Clock::now();
      EXPECT_EQ(
          error_of([&] { t->recv(2)->wait(kSoon); }),
          "rank 2 closed its connection");
      EXPECT_LT(since(start), milliseconds(3000));
      // It stays an error, and names the same rank.
      EXPECT_EQ(
          error_of([&] { t->recv(2)->wait(kSoon); }),
          "rank 2 closed its connection");
      const int peer = 1 - rank;
      const auto send = t->send(numbered(rank), peer);
      EXPECT_EQ(t->recv(peer)->wait(kSoon).microbatch, peer);
      send->wait(kSoon);
      both_done.arrive_and_wait();
    }
  });
}

TEST_P(Failure, AMessageToItselfIsABug) {
  run(2, [](Transport& t) {
    EXPECT_THROW(t.send(numbered(0), t.rank()), std::logic_error);
    EXPECT_THROW(t.recv(t.size()), std::logic_error);
  });
}

INSTANTIATE_TEST_SUITE_P(
    Transports, Failure, ::testing::ValuesIn(backends()), backend_name);

}  // namespace
}  // namespace pp::testing
