#include <array>
#include <future>

#include <gtest/gtest.h>

#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>

#include "runtime/transport/device/device_transport.h"
#include "runtime/transport/device/device_wire.h"
#include "runtime/transport/local/local.h"
#include "tests/device/fake_device.h"

namespace pp {
namespace {

using namespace std::chrono_literals;

Message message_of(std::vector<at::Tensor> tensors) {
  Message message;
  message.stage = 1;
  message.microbatch = 2;
  message.requires_grad.assign(tensors.size(), 0);
  message.tensors = std::move(tensors);
  message.ints = {7, 8};
  return message;
}

enum class Route { SameDevice, TwoDevices, Link, Host };

/// Two ranks that are threads of one process, and the route between them.
struct Pair {
  explicit Pair(Route route)
      : second(test::fake_plugin(), route == Route::TwoDevices ? 1 : 0) {
    const bool threads =
        route == Route::SameDevice || route == Route::TwoDevices;
    DeviceLinks from_first;
    DeviceLinks to_second;
    if (route == Route::Link) {
      auto [sends, receives] = test::fake_link();
      from_first.to[1] = std::move(sends);
      to_second.from[0] = std::move(receives);
    }
    one.emplace(*host_one, first, threads, std::move(from_first));
    two.emplace(*host_two, second, threads, std::move(to_second));
  }

  at::Tensor make_tensor(double value, at::IntArrayRef sizes = {2, 3}) {
    const ComputeOn guard(first);
    return at::full(sizes, value, at::TensorOptions().device(first.device()));
  }
  void send(Message message) {
    const ComputeOn guard(first);
    one->send(std::move(message), 1);
  }
  Message receive() {
    const ComputeOn guard(second);
    return two->recv(0)->wait(5s);
  }
  /// Returns a tensor's values, read on the second rank's compute stream.
  std::vector<float> numbers(const at::Tensor& tensor) {
    const ComputeOn guard(second);
    const at::Tensor cpu = tensor.mul(1).cpu().contiguous();
    const auto* begin = cpu.const_data_ptr<float>();
    return {begin, begin + cpu.numel()};
  }
  void finish() {
    for (RankDevice* device : {&first, &second, &first}) {
      device->synchronise();
    }
  }

  LocalHub hub{2};
  std::unique_ptr<Transport> host_one = hub.transport(0);
  std::unique_ptr<Transport> host_two = hub.transport(1);
  RankDevice first{test::fake_plugin(), 0};
  RankDevice second;
  std::optional<DeviceTransport> one;
  std::optional<DeviceTransport> two;
};

struct EveryRoute : ::testing::TestWithParam<Route> {
  void SetUp() override { test::take_faults(); }
  void TearDown() override { EXPECT_EQ(test::take_faults(), no_faults); }
  const std::vector<std::string> no_faults;
};

TEST_P(EveryRoute, MessagesArriveComplete) {
  Pair pair(GetParam());
  const at::Tensor columns = pair.make_tensor(3, {4, 2}).t();
  const at::Tensor on_host = at::full({2}, 5.0);
  pair.send(message_of(
      {pair.make_tensor(1),
       {},
       on_host,
       columns,
       pair.make_tensor(9, {0, 4})}));
  const Message got = pair.receive();
  EXPECT_EQ(got.stage, 1);
  EXPECT_EQ(got.microbatch, 2);
  EXPECT_EQ(got.ints, (std::vector<int64_t>{7, 8}));
  ASSERT_EQ(got.tensors.size(), 5);
  EXPECT_EQ(got.tensors[0].device(), pair.second.device());
  EXPECT_EQ(pair.numbers(got.tensors[0]), std::vector<float>(6, 1));
  EXPECT_FALSE(got.tensors[1].defined());
  EXPECT_TRUE(got.tensors[2].device().is_cpu());
  EXPECT_TRUE(got.tensors[2].equal(on_host));
  EXPECT_EQ(got.tensors[3].strides(), columns.strides());
  EXPECT_EQ(pair.numbers(got.tensors[3]), std::vector<float>(8, 3));
  EXPECT_EQ(got.tensors[4].sizes(), (at::IntArrayRef{0, 4}));
}

TEST_P(EveryRoute, ManyMessagesReuseMemory) {
  Pair pair(GetParam());
  for (int i = 0; i < 20; ++i) {
    pair.send(message_of({pair.make_tensor(i)}));
    Message got = pair.receive();
    {
      const ComputeOn guard(pair.second);
      got.tensors[0].add(1);
    }
  }
  pair.finish();
  EXPECT_EQ(pair.first.loans()->size(), 0);
  EXPECT_EQ(pair.second.loans()->size(), 0);
}

TEST_P(EveryRoute, ReceivesMayBeAwaitedInAnotherOrder) {
  Pair pair(GetParam());
  auto first = pair.two->recv(0);
  auto dropped = pair.two->recv(0);
  auto last = pair.two->recv(0);
  for (const double value : {1, 2, 3}) {
    pair.send(message_of({pair.make_tensor(value)}));
  }
  dropped.reset();
  const ComputeOn guard(pair.second);
  const Message three = last->wait(5s);
  const Message one = first->wait(5s);
  EXPECT_EQ(pair.numbers(three.tensors[0])[0], 3);
  EXPECT_EQ(pair.numbers(one.tensors[0])[0], 1);
}

TEST_P(EveryRoute, AnInterruptEndsAWait) {
  Pair pair(GetParam());
  auto pending = pair.two->recv(0);
  auto done = std::async(std::launch::async, [&] {
    try {
      pending->wait(30s);
      return std::string("received");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  });
  pair.two->interrupt(runtime_error("the cause"));
  EXPECT_EQ(done.get(), "the cause");
}

std::string name_of(const ::testing::TestParamInfo<Route>& route) {
  constexpr std::array kNames = {"SameDevice", "TwoDevices", "Link", "Host"};
  return kNames.at(static_cast<size_t>(route.param));
}

INSTANTIATE_TEST_SUITE_P(
    DeviceTransport,
    EveryRoute,
    ::testing::Values(
        Route::SameDevice, Route::TwoDevices, Route::Link, Route::Host),
    name_of);

TEST(DeviceTransportSameDevice, HandsOverWithoutACopy) {
  Pair pair(Route::SameDevice);
  const at::Tensor tensor = pair.make_tensor(1);
  pair.send(message_of({tensor}));
  EXPECT_EQ(pair.receive().tensors[0].data_ptr(), tensor.data_ptr());
}

// Without the transport's events the fake device finds that the receiver
// doesn't wait and that memory is freed too early, so the tests above do check
// something.
TEST(DeviceTransportSameDevice, WithoutItsEventsThereAreFaults) {
  Pair pair(Route::SameDevice);
  test::take_faults();
  {
    pair.host_one->send(message_of({pair.make_tensor(1)}), 1);
    Message got = pair.host_two->recv(0)->wait(5s);
    const ComputeOn guard(pair.second);
    got.tensors[0].add(1);
  }
  const auto faults = test::take_faults();
  ASSERT_EQ(faults.size(), 2);
  EXPECT_NE(faults[0].find("does not wait"), std::string::npos) << faults[0];
  EXPECT_NE(faults[1].find("is freed while"), std::string::npos) << faults[1];
}

TEST(DeviceTransportHost, APeerWithoutTheLinkSaysSo) {
  Pair sender(Route::Link);
  Pair other(Route::Host);
  DeviceTransport without(*sender.host_two, other.second, false);
  sender.send(message_of({sender.make_tensor(1)}));
  try {
    without.recv(0)->wait(5s);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Runtime);
    EXPECT_NE(
        std::string(error.what()).find("sends over a link"), std::string::npos);
  }
}

using device_wire::Place;
using device_wire::Sent;

TEST(DeviceWire, DecodesWhatItEncodes) {
  std::vector<int64_t> ints = {4, 5};
  device_wire::append(
      ints,
      std::vector<Sent>{
          {}, {Place::Linked, 6, {2, 3}, {3, 1}}, {Place::Staged, 0, {}, {}}});
  const std::vector<Sent> sent = device_wire::take_off(ints, 3);
  EXPECT_EQ(ints, (std::vector<int64_t>{4, 5}));
  EXPECT_EQ(sent[0].place, Place::Host);
  EXPECT_EQ(sent[1].place, Place::Linked);
  EXPECT_EQ(sent[1].dtype, 6);
  EXPECT_EQ(sent[1].sizes, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(sent[1].strides, (std::vector<int64_t>{3, 1}));
  EXPECT_EQ(sent[2].place, Place::Staged);
}

TEST(DeviceWire, RefusesInvalidWords) {
  const std::vector<std::vector<int64_t>> bad = {
      {},                   // nothing
      {9},                  // more words than there are
      {-1},                 // a negative number of words
      {3, 1},               // no such place
      {0, 0, 2},            // two words for one tensor
      {2, 1},               // cut off
      {2, 6, 65, 3},        // too many dimensions
      {2, 6, 1, -4, 1, 5},  // a negative size
      {2, 1000, 0, 3},      // no such dtype
  };
  for (std::vector<int64_t> ints : bad) {
    EXPECT_THROW(device_wire::take_off(ints, 1), Error);
  }
}

}  // namespace
}  // namespace pp
