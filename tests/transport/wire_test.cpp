#include "runtime/transport/wire.h"

#include <cstring>
#include <limits>

#include <gtest/gtest.h>

#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>

#include "tests/transport/contract.h"

namespace pp::testing {
namespace {

// Offsets in a header with one tensor of two dimensions: see wire.h.
constexpr size_t kNumTensors = 12;
constexpr size_t kNumInts = 20;
constexpr size_t kDescriptionBytes = 24;
constexpr size_t kInlineBytes = 32;
constexpr size_t kState = 40;
constexpr size_t kDtype = 41;
constexpr size_t kNumDims = 42;
constexpr size_t kSizes = 44;
constexpr size_t kStrides = 60;

std::vector<std::byte> header_of_one() {
  Message message;
  message.tensors = {at::full({2, 3}, 1.5f)};
  return wire::encode(message).header;
}

template <class T>
std::string decode_with(size_t offset, T value) {
  auto header = header_of_one();
  std::memcpy(header.data() + offset, &value, sizeof(T));
  return error_of([&] {
    wire::description_bytes(header);
    wire::decode(header, {});
  });
}

TEST(Wire, ASmallTensorTravelsInTheHeader) {
  Message message;
  message.tensors = {at::full({2, 3}, 1.5f), at::randn({5000})};
  const wire::Outgoing out = wire::encode(message);
  EXPECT_TRUE(out.description.empty());
  EXPECT_EQ(out.payloads.size(), 1u);
  EXPECT_LE(out.header.size(), wire::kHeaderBytes);

  const wire::Incoming in = wire::decode(out.header, out.description);
  EXPECT_TRUE(in.message.tensors.at(0).equal(message.tensors[0]));
  EXPECT_EQ(in.payloads.size(), 1u);
  EXPECT_EQ(in.message.tensors.at(1).nbytes(), 20000u);
}

TEST(Wire, DamagedHeadersAreRefused) {
  EXPECT_EQ(decode_with<uint64_t>(kInlineBytes, 24), "");  // as it is
  EXPECT_NE(decode_with<uint32_t>(0, 1), "");
  EXPECT_NE(decode_with<uint32_t>(kNumTensors, 2), "");
  EXPECT_NE(decode_with<uint32_t>(kNumTensors, 0), "");
  EXPECT_NE(decode_with<uint32_t>(kNumTensors, 0xffffffff), "");
  EXPECT_NE(decode_with<uint32_t>(kNumInts, 0xffffffff), "");
  EXPECT_NE(
      decode_with<uint64_t>(
          kDescriptionBytes, std::numeric_limits<uint64_t>::max()),
      "");
  EXPECT_NE(decode_with<uint64_t>(kInlineBytes, 1u << 30), "");
  EXPECT_NE(decode_with<uint64_t>(kInlineBytes, 23), "");
  EXPECT_NE(decode_with<uint8_t>(kState, 9), "");
  EXPECT_NE(decode_with<uint8_t>(kDtype, 200), "");
  EXPECT_NE(decode_with<uint16_t>(kNumDims, 60000), "");
  EXPECT_NE(decode_with<int64_t>(kSizes, -1), "");
  EXPECT_NE(
      decode_with<int64_t>(kSizes, std::numeric_limits<int64_t>::max()), "");
  EXPECT_NE(decode_with<int64_t>(kStrides, -3), "");
  EXPECT_NE(decode_with<int64_t>(kStrides, 4), "");  // gapped
  EXPECT_NE(decode_with<int64_t>(kStrides, 0), "");  // overlapping
}

// Its memory would be allocated before anyone notices that no data follows.
TEST(Wire, ATensorInTheHeaderIsNotAllocatedByItsAnnouncedSize) {
  auto header = header_of_one();
  const int64_t rows = int64_t{1} << 38U;
  const int64_t sizes[] = {rows, 3};
  const int64_t strides[] = {3, 1};
  std::memcpy(header.data() + kSizes, sizes, sizeof(sizes));
  std::memcpy(header.data() + kStrides, strides, sizeof(strides));
  EXPECT_EQ(
      error_of([&] { wire::decode(header, {}); }),
      "a message with a damaged header arrived: it has a tensor of " +
          std::to_string(rows * 3 * 4) +
          " bytes in its header; does every rank run the same build of pp?");
}

TEST(Wire, ACutHeaderIsRefused) {
  const auto header = header_of_one();
  for (size_t size = 0; size < header.size(); ++size) {
    EXPECT_THROW(wire::decode(std::span(header).first(size), {}), Error)
        << size;
  }
}

}  // namespace
}  // namespace pp::testing
