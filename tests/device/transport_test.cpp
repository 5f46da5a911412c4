#include <array>
#include <future>

#include <gtest/gtest.h>

#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>

#include "runtime/transport/device_transport.h"
#include "runtime/transport/device_wire.h"
#include "runtime/transport/local.h"
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

enum class Way { SameDevice, TwoDevices, Link, Host };

/// Two ranks that are threads of one process, with what connects them.
struct Pair {
  explicit Pair(Way way)
      : second(test::fake_plugin(), way == Way::TwoDevices ? 1 : 0) {
    const bool threads = way == Way::SameDevice || way == Way::TwoDevices;
    DeviceLinks from_first;
    DeviceLinks to_second;
    if (way == Way::Link) {
      auto [sends, receives] = test::fake_link();
      from_first.to[1] = std::move(sends);
      to_second.from[0] = std::move(receives);
    }
    one.emplace(*host_one, first, threads, std::move(from_first));
    two.emplace(*host_two, second, threads, std::move(to_second));
  }

  at::Tensor made(double value, at::IntArrayRef sizes = {2, 3}) {
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
  /// As numbers, read on the second rank's compute stream.
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

struct EveryWay : ::testing::TestWithParam<Way> {
  void SetUp() override { test::take_faults(); }
  void TearDown() override { EXPECT_EQ(test::take_faults(), no_faults); }
  const std::vector<std::string> no_faults;
};

TEST_P(EveryWay, MessagesArriveWhole) {
  Pair pair(GetParam());
  const at::Tensor columns = pair.made(3, {4, 2}).t();
  const at::Tensor on_host = at::full({2}, 5.0);
  pair.send(
      message_of({pair.made(1), {}, on_host, columns, pair.made(9, {0, 4})}));
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

TEST_P(EveryWay, ManyMessagesReuseMemoryInTime) {
  Pair pair(GetParam());
  for (int i = 0; i < 20; ++i) {
    pair.send(message_of({pair.made(i)}));
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

TEST_P(EveryWay, WaitsInAnotherOrderThanMessages) {
  Pair pair(GetParam());
  auto first = pair.two->recv(0);
  auto dropped = pair.two->recv(0);
  auto last = pair.two->recv(0);
  for (const double value : {1, 2, 3}) {
    pair.send(message_of({pair.made(value)}));
  }
  dropped.reset();
  const ComputeOn guard(pair.second);
  const Message three = last->wait(5s);
  const Message one = first->wait(5s);
  EXPECT_EQ(pair.numbers(three.tensors[0])[0], 3);
  EXPECT_EQ(pair.numbers(one.tensors[0])[0], 1);
}

TEST_P(EveryWay, AnInterruptEndsAWait) {
  Pair pair(GetParam());
  auto pending = pair.two->recv(0);
  auto done = std::async(std::launch::async, [&] {
    try {
      pending->wait(30s);
      return std::string("came");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  });
  pair.two->interrupt(runtime_error("the cause"));
  EXPECT_EQ(done.get(), "the cause");
}

std::string name_of(const ::testing::TestParamInfo<Way>& way) {
  constexpr std::array kNames = {"SameDevice", "TwoDevices", "Link", "Host"};
  return kNames.at(static_cast<size_t>(way.param));
}

INSTANTIATE_TEST_SUITE_P(
    DeviceTransport,
    EveryWay,
    ::testing::Values(Way::SameDevice, Way::TwoDevices, Way::Link, Way::Host),
    name_of);

TEST(DeviceTransportSameDevice, HandsOverWithoutACopy) {
  Pair pair(Way::SameDevice);
  const at::Tensor tensor = pair.made(1);
  pair.send(message_of({tensor}));
  EXPECT_EQ(pair.receive().tensors[0].data_ptr(), tensor.data_ptr());
}

// Without the transport's events the fake device finds that the receiver does
// not wait, and that memory is freed too early: so the tests above mean much.
TEST(DeviceTransportSameDevice, WithoutItsEventsThereAreFaults) {
  Pair pair(Way::SameDevice);
  test::take_faults();
  {
    pair.host_one->send(message_of({pair.made(1)}), 1);
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
  Pair sender(Way::Link);
  Pair other(Way::Host);
  DeviceTransport without(*sender.host_two, other.second, false);
  sender.send(message_of({sender.made(1)}));
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

TEST(DeviceWire, ComesBack) {
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

TEST(DeviceWire, RefusesWhatMakesNoSense) {
  const std::vector<std::vector<int64_t>> bad = {
      {},                   // nothing
      {9},                  // more words than there are
      {-1},                 //
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
