#include "runtime/transport/wire.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include <ATen/ops/empty_strided.h>
#include <c10/core/ScalarType.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/transport/byte_io.h"

namespace pp::wire {
namespace {

constexpr uint32_t kMaxTensors = 1u << 20;
constexpr uint32_t kMaxInts = 1u << 20;
constexpr int kMaxDims = 64;
constexpr uint64_t kMaxTensorBytes = uint64_t{1} << 46;

struct Prefix {
  uint32_t magic = kMagic;
  int32_t stage = -1;
  int32_t microbatch = -1;
  uint32_t num_tensors = 0;
  uint32_t num_requires_grad = 0;
  uint32_t num_ints = 0;
  uint64_t description_bytes = 0;
  uint64_t inline_bytes = 0;
};

enum class State : uint8_t { Undefined, Inline, Payload };

Prefix read_prefix(std::span<const std::byte> header) {
  if (header.size() < sizeof(Prefix)) {
    throw bad("it has only " + std::to_string(header.size()) + " bytes");
  }
  Prefix prefix;
  std::memcpy(&prefix, header.data(), sizeof(Prefix));
  if (prefix.magic != kMagic) {
    throw bad("it has the wrong magic number");
  }
  // The fewest and the most bytes that these counts can need, checked before
  // anything is allocated.
  const uint64_t fixed =
      prefix.num_requires_grad + uint64_t{8} * prefix.num_ints;
  const uint64_t max_per_tensor = 4 + uint64_t{16} * kMaxDims;
  if (prefix.num_tensors > kMaxTensors || prefix.num_ints > kMaxInts ||
      prefix.num_requires_grad > kMaxTensors ||
      prefix.description_bytes < fixed + uint64_t{4} * prefix.num_tensors ||
      prefix.description_bytes > fixed + max_per_tensor * prefix.num_tensors) {
    throw bad(
        "its description has " + std::to_string(prefix.description_bytes) +
        " bytes, which is impossible for " +
        std::to_string(prefix.num_tensors) + " tensors and " +
        std::to_string(prefix.num_ints) + " integers");
  }
  return prefix;
}

bool description_is_inline(const Prefix& prefix) {
  return prefix.description_bytes <= kHeaderBytes - sizeof(Prefix);
}

/// Whether the strides enumerate the elements in some dimension order, without
/// a gap or an overlap.
bool is_dense(
    const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides) {
  std::vector<size_t> order(sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::erase_if(order, [&](size_t dim) { return sizes[dim] == 1; });
  std::ranges::sort(
      order, [&](size_t a, size_t b) { return strides[a] < strides[b]; });
  int64_t expected = 1;
  for (const size_t dim : order) {
    if (strides[dim] != expected) {
      return false;
    }
    expected *= sizes[dim];
  }
  return true;
}

/// Number of bytes of a tensor of these sizes.
uint64_t checked_bytes(const std::vector<int64_t>& sizes, uint64_t item_size) {
  uint64_t total = item_size;
  for (const int64_t size : sizes) {
    if (size < 0) {
      throw bad("it has a tensor of impossible sizes " + shape_text(sizes));
    }
    if (size == 0) {
      return 0;
    }
  }
  for (const int64_t size : sizes) {
    if (total > kMaxTensorBytes / static_cast<uint64_t>(size)) {
      throw bad("it has a tensor of impossible sizes " + shape_text(sizes));
    }
    total *= static_cast<uint64_t>(size);
  }
  return total;
}

at::Tensor allocate(
    const std::vector<int64_t>& sizes,
    const std::vector<int64_t>& strides,
    at::ScalarType dtype) {
  try {
    return at::empty_strided(sizes, strides, at::TensorOptions().dtype(dtype));
  } catch (const std::exception&) {
    throw runtime_error(
        "no memory to receive a tensor of sizes " + shape_text(sizes));
  }
}

struct Described {
  State state = State::Undefined;
  at::Tensor tensor;
};

Described read_tensor(Reader& reader, const PayloadMemory& memory) {
  Described out;
  const auto state = reader.get<uint8_t>();
  const auto dtype = reader.get<int8_t>();
  const auto num_dims = reader.get<uint16_t>();
  if (state > static_cast<uint8_t>(State::Payload) || num_dims > kMaxDims) {
    throw bad(
        "it has a tensor whose state (" + std::to_string(state) +
        ") or number of dimensions (" + std::to_string(num_dims) +
        ") is out of range");
  }
  out.state = static_cast<State>(state);
  std::vector<int64_t> sizes(num_dims);
  std::vector<int64_t> strides(num_dims);
  for (auto* list : {&sizes, &strides}) {
    for (int64_t& value : *list) {
      value = reader.get<int64_t>();
    }
  }
  if (out.state == State::Undefined) {
    return out;
  }
  const auto type = static_cast<at::ScalarType>(dtype);
  if (dtype < 0 || type >= at::ScalarType::NumOptions ||
      type == at::ScalarType::Undefined || c10::isQIntType(type)) {
    throw bad("it has a tensor of unknown dtype " + std::to_string(dtype));
  }
  const uint64_t num_bytes = checked_bytes(sizes, c10::elementSize(type));
  const bool strides_fit =
      std::ranges::all_of(strides, [](int64_t s) { return s >= 0; }) &&
      (num_bytes == 0 || is_dense(sizes, strides));
  if (!strides_fit) {
    throw bad(
        "it has strides " + shape_text(strides) + " that don't fit sizes " +
        shape_text(sizes));
  }
  if (num_bytes == 0 && out.state == State::Payload) {
    throw bad("it says that data follows for a tensor that has no elements");
  }
  if (num_bytes > kHeaderBytes && out.state == State::Inline) {
    throw bad(
        "it has a tensor of " + std::to_string(num_bytes) +
        " bytes in its header");
  }
  out.tensor = out.state == State::Payload && memory
                   ? memory(sizes, strides, type)
                   : allocate(sizes, strides, type);
  return out;
}

void write_tensor(Writer& writer, const at::Tensor& tensor, State state) {
  writer.put(static_cast<uint8_t>(state));
  if (state == State::Undefined) {
    writer.put(int8_t{0});
    writer.put(uint16_t{0});
    return;
  }
  writer.put(static_cast<int8_t>(tensor.scalar_type()));
  writer.put(static_cast<uint16_t>(tensor.dim()));
  for (const int64_t size : tensor.sizes()) {
    writer.put(size);
  }
  for (const int64_t stride : tensor.strides()) {
    writer.put(stride);
  }
}

size_t described_bytes(const Message& message) {
  size_t total = message.requires_grad.size() + 8 * message.ints.size();
  for (const at::Tensor& tensor : message.tensors) {
    total += 4;
    if (tensor.defined()) {
      total += static_cast<size_t>(16 * tensor.dim());
    }
  }
  return total;
}

}  // namespace

std::span<std::byte> bytes_of(const at::Tensor& dense) {
  return {static_cast<std::byte*>(dense.data_ptr()), dense.nbytes()};
}

Outgoing encode(const Message& message) {
  Outgoing out;
  Prefix prefix;
  prefix.stage = message.stage;
  prefix.microbatch = message.microbatch;
  prefix.num_tensors = static_cast<uint32_t>(message.tensors.size());
  prefix.num_requires_grad =
      static_cast<uint32_t>(message.requires_grad.size());
  prefix.num_ints = static_cast<uint32_t>(message.ints.size());
  prefix.description_bytes = described_bytes(message);
  check(
      prefix.num_tensors <= kMaxTensors && prefix.num_ints <= kMaxInts &&
          prefix.num_requires_grad <= kMaxTensors,
      "the message must be within the format's limits");

  const bool fits = description_is_inline(prefix);
  size_t room =
      fits ? kHeaderBytes - sizeof(Prefix) - prefix.description_bytes : 0;
  Writer description;
  Writer small;
  for (const at::Tensor& tensor : message.tensors) {
    if (!tensor.defined()) {
      write_tensor(description, tensor, State::Undefined);
      continue;
    }
    check(
        tensor.device().is_cpu() &&
            (tensor.numel() == 0 || tensor.is_non_overlapping_and_dense()),
        "the tensor must be canonical and on the CPU");
    if (tensor.nbytes() <= room) {
      const auto bytes = bytes_of(tensor);
      small.append(bytes.data(), bytes.size());
      room -= bytes.size();
      write_tensor(description, tensor, State::Inline);
    } else {
      out.payloads.push_back(tensor);
      write_tensor(description, tensor, State::Payload);
    }
  }
  description.append(
      message.requires_grad.data(), message.requires_grad.size());
  description.append(message.ints.data(), 8 * message.ints.size());
  check(
      description.bytes.size() == prefix.description_bytes,
      "the description must have the announced length");

  prefix.inline_bytes = small.bytes.size();
  Writer header;
  header.put(prefix);
  if (fits) {
    header.append(description.bytes.data(), description.bytes.size());
    header.append(small.bytes.data(), small.bytes.size());
  } else {
    out.description = std::move(description.bytes);
  }
  out.header = std::move(header.bytes);
  return out;
}

size_t description_bytes(std::span<const std::byte> header) {
  const Prefix prefix = read_prefix(header);
  return description_is_inline(prefix) ? 0 : prefix.description_bytes;
}

std::vector<size_t> payload_bytes(
    std::span<const std::byte> header, std::span<const std::byte> description) {
  std::vector<size_t> sizes;
  decode(
      header,
      description,
      [&](at::IntArrayRef dims, at::IntArrayRef, at::ScalarType dtype) {
        sizes.push_back(checked_bytes(dims.vec(), c10::elementSize(dtype)));
        return at::Tensor();
      });
  return sizes;
}

Incoming decode(
    std::span<const std::byte> header,
    std::span<const std::byte> description,
    const PayloadMemory& memory) {
  const Prefix prefix = read_prefix(header);
  Reader rest(header.subspan(sizeof(Prefix)));
  if (description_is_inline(prefix)) {
    description = rest.take(prefix.description_bytes);
  } else if (description.size() != prefix.description_bytes) {
    throw bad("its description doesn't have the announced length");
  }
  Reader small(rest.take(prefix.inline_bytes));
  Reader reader(description);

  Incoming out;
  out.message.stage = prefix.stage;
  out.message.microbatch = prefix.microbatch;
  out.message.tensors.reserve(prefix.num_tensors);
  for (uint32_t i = 0; i < prefix.num_tensors; ++i) {
    Described described = read_tensor(reader, memory);
    if (described.state == State::Inline) {
      const auto to = bytes_of(described.tensor);
      const auto from = small.take(to.size());
      if (!to.empty()) {
        std::memcpy(to.data(), from.data(), to.size());
      }
    } else if (described.state == State::Payload) {
      out.payloads.push_back(described.tensor);
    }
    out.message.tensors.push_back(std::move(described.tensor));
  }
  for (uint32_t i = 0; i < prefix.num_requires_grad; ++i) {
    out.message.requires_grad.push_back(reader.get<uint8_t>());
  }
  for (uint32_t i = 0; i < prefix.num_ints; ++i) {
    out.message.ints.push_back(reader.get<int64_t>());
  }
  if (!reader.empty() || !small.empty()) {
    throw bad("it is longer than its description says");
  }
  return out;
}

}  // namespace pp::wire
