// A message between processes: the first two bytes are the length of its
// header, and its description follows the header.
#include "runtime/transport/wire.h"

#include <ATen/ops/empty_strided.h>

#include "runtime/rank/collectives.h"
#include "runtime/transport/device/device_wire.h"
#include "tests/fuzz/harness.h"

namespace pp::fuzz {

namespace {

/// Payloads of any announced size are allowed; large ones would only cost time.
at::Tensor payload_memory(
    at::IntArrayRef sizes, at::IntArrayRef strides, at::ScalarType dtype) {
  constexpr int64_t kMaxElements = 1 << 16;
  if (c10::multiply_integers(sizes) > kMaxElements) {
    throw runtime_error("too large for a harness");
  }
  return at::empty_strided(sizes, strides, at::TensorOptions().dtype(dtype));
}

void use(Message message) {
  accepts([&] { text_of(message); });
  const size_t num_tensors = message.tensors.size();
  const wire::Outgoing out = wire::encode(message);
  const wire::Incoming in =
      wire::decode(out.header, out.description, payload_memory);
  require(
      in.message.tensors.size() == num_tensors &&
          in.message.ints == message.ints,
      "an encoded message reads back as it was");
  accepts([&] { device_wire::take_off(message.ints, num_tensors); });
}

}  // namespace

}  // namespace pp::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace pp;
  fuzz::Numbers input(data, size);
  const auto header = std::as_bytes(input.take(input.next<uint16_t>()));
  auto description = std::as_bytes(input.rest());
  fuzz::accepts([&] {
    const size_t length = wire::description_bytes(header);
    description = description.first(std::min(length, description.size()));
    wire::payload_bytes(header, description);
    fuzz::use(wire::decode(header, description, fuzz::payload_memory).message);
  });
  return 0;
}
