// Checks that the fake device finds what goes wrong on a real one.
#include "tests/device/orders.h"

#include <gtest/gtest.h>

namespace pp::test {
namespace {

constexpr StreamKey kFirst = 1;
constexpr StreamKey kSecond = 2;

struct OrdersTest : ::testing::Test {
  void SetUp() override { orders.allocated(memory, sizeof(memory), kFirst); }
  void write(StreamKey stream) {
    orders.run(stream, {{memory, true}}, "write");
  }
  void read(StreamKey stream) {
    orders.run(stream, {{memory + 8, false}}, "read");
  }
  /// The first stream writes, then the second waits for it and reads.
  void write_then_read() {
    write(kFirst);
    orders.block(kSecond, orders.record(kFirst));
    read(kSecond);
  }
  size_t num_faults() { return orders.take_faults().size(); }

  Orders orders;
  char memory[16] = {};
};

TEST_F(OrdersTest, OneStreamIsInOrder) {
  write(kFirst);
  read(kFirst);
  write(kFirst);
  orders.freed(memory);
  EXPECT_EQ(num_faults(), 0);
}

TEST_F(OrdersTest, AReadThatDoesNotWait) {
  write(kFirst);
  read(kSecond);
  const auto faults = orders.take_faults();
  ASSERT_EQ(faults.size(), 1);
  EXPECT_EQ(
      faults[0],
      "read on stream 0.2 does not wait for stream 0.1, which writes what it "
      "reads (write)");
}

TEST_F(OrdersTest, AReadThatWaits) {
  write_then_read();
  EXPECT_EQ(num_faults(), 0);
}

TEST_F(OrdersTest, AnEventThatIsTooEarly) {
  const Clock event = orders.record(kFirst);
  write(kFirst);
  orders.block(kSecond, event);
  read(kSecond);
  EXPECT_EQ(num_faults(), 1);
}

TEST_F(OrdersTest, AWriteToMemoryThatAnotherStreamReads) {
  write_then_read();
  write(kFirst);
  EXPECT_EQ(num_faults(), 1);
}

TEST_F(OrdersTest, FreedWhileAnotherStreamReads) {
  write_then_read();
  orders.freed(memory);
  EXPECT_EQ(num_faults(), 1);
}

TEST_F(OrdersTest, FreedAfterTheHostSawTheReadersEvent) {
  write_then_read();
  orders.host_waits_for(kSecond);
  orders.freed(memory);
  EXPECT_EQ(num_faults(), 0);
}

TEST_F(OrdersTest, WaitsAreTransitive) {
  write(kFirst);
  orders.block(kSecond, orders.record(kFirst));
  constexpr StreamKey kThird = 3;
  orders.block(kThird, orders.record(kSecond));
  read(kThird);
  EXPECT_EQ(num_faults(), 0);
}

}  // namespace
}  // namespace pp::test
