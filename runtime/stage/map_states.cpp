#include "runtime/stage/map_states.h"

#include <cstring>
#include <memory>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>

#include "loader/core/error.h"

namespace pp {

namespace {

std::vector<int64_t> fixed_sizes(
    const std::vector<ir::Dim>& dims, const std::string& fqn) {
  std::vector<int64_t> out;
  for (const ir::Dim& dim : dims) {
    if (!dim.is_fixed() || dim.value < 0) {
      throw input_error("'" + fqn + "' has a size that is not fixed");
    }
    out.push_back(dim.value);
  }
  return out;
}

/// Number of elements that a strided tensor spans in memory, 0 if it is empty.
uint64_t extent(
    const std::vector<int64_t>& sizes,
    const std::vector<int64_t>& strides,
    const std::string& fqn) {
  constexpr int64_t kMaxSpan = int64_t{1} << 56;  // far beyond any file
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) {
      return 0;
    }
    int64_t reach = 0;
    if (strides[i] < 0 ||
        __builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last) || last > kMaxSpan) {
      throw input_error("'" + fqn + "' has sizes that do not fit in memory");
    }
  }
  return static_cast<uint64_t>(last) + 1;
}

/// Whether entries lie at multiples of their size. Weight files needn't align
/// them, but kernels crash where a complex128 isn't aligned.
bool is_aligned(const at::Tensor& tensor) {
  const auto address = reinterpret_cast<uintptr_t>(tensor.const_data_ptr());
  return address % tensor.element_size() == 0;
}

/// Copies a tensor as bytes, because a kernel would need it aligned.
///
/// num_bytes  number of bytes that the tensor spans in memory
at::Tensor aligned_copy(const at::Tensor& tensor, uint64_t num_bytes) {
  at::Tensor copy =
      at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options());
  std::memcpy(copy.mutable_data_ptr(), tensor.const_data_ptr(), num_bytes);
  return copy;
}

/// Makes tensors on the private pages of files. States that share memory lie in
/// one storage.
class Mapper {
 public:
  explicit Mapper(const ZipReader& archive) : archive_(archive) {}

  at::Tensor map(const ir::State& state, const StateRecord& record) {
    if (!record.has_values()) {
      throw input_error(
          archive_.path().string() + ": " + no_values_text(state.fqn));
    }
    const auto mapping =
        map_file(record.file ? record.file->path() : archive_.path());
    const ir::TensorMeta& meta = record.tensor;
    const std::vector<int64_t> sizes = fixed_sizes(meta.sizes, state.fqn);
    const std::vector<int64_t> strides = fixed_sizes(meta.strides, state.fqn);
    const auto dtype = static_cast<at::ScalarType>(meta.dtype);
    const uint64_t item = c10::elementSize(dtype);
    const uint64_t begin = meta.storage_offset.value * item;
    const uint64_t needed = begin + extent(sizes, strides, state.fqn) * item;
    if (meta.storage_offset.value < 0 || needed > record.num_bytes ||
        record.offset + record.num_bytes > mapping->size()) {
      throw input_error(
          mapping->path().string() + ": record '" + record.record + "' of '" +
          state.fqn + "' holds " + std::to_string(record.num_bytes) +
          " bytes, but its tensor needs " + std::to_string(needed));
    }
    const auto options = at::TensorOptions().dtype(dtype);
    if (needed == begin) {
      return at::empty_strided(sizes, strides, options);
    }
    if (state.memory.empty()) {
      const at::Tensor tensor =
          tensor_on(mapping, record.offset + begin, sizes, strides, options);
      return is_aligned(tensor) ? tensor : aligned_copy(tensor, needed - begin);
    }
    return at::empty({0}, options)
        .set_(
            storage_of(mapping, record),
            meta.storage_offset.value,
            sizes,
            strides);
  }

 private:
  using Mapping = std::shared_ptr<MappedFile>;

  Mapping map_file(const std::filesystem::path& path) {
    Mapping& mapping = mappings_[path];
    if (!mapping) {
      mapping = std::make_shared<MappedFile>(path, MappedFile::Mode::Private);
    }
    return mapping;
  }

  static at::Tensor tensor_on(
      const Mapping& mapping,
      uint64_t offset,
      const std::vector<int64_t>& sizes,
      const std::vector<int64_t>& strides,
      const at::TensorOptions& options) {
    return at::from_blob(
        mapping->writable_data() + offset,
        sizes,
        strides,
        [mapping](void*) {},
        options);
  }

  at::Storage storage_of(const Mapping& mapping, const StateRecord& record) {
    at::Storage& storage = storages_[{mapping.get(), record.offset}];
    if (!storage) {
      storage = tensor_on(
                    mapping,
                    record.offset,
                    {static_cast<int64_t>(record.num_bytes)},
                    {1},
                    at::TensorOptions(at::kByte))
                    .storage();
    }
    return storage;
  }

  const ZipReader& archive_;
  std::map<std::filesystem::path, Mapping> mappings_;
  std::map<std::pair<const MappedFile*, uint64_t>, at::Storage> storages_;
};

}  // namespace

std::vector<at::Tensor> map_states(
    const ir::Graph& graph,
    const std::map<std::string, StateRecord>& records,
    const ZipReader& archive,
    bool trainable) {
  Mapper mapper(archive);
  std::vector<at::Tensor> states;
  for (const ir::State& state : graph.states) {
    const auto found = records.find(state.fqn);
    check(found != records.end(), "every state must have a record");
    const at::Tensor tensor = mapper.map(state, found->second);
    const bool learns = trainable && state.kind == ir::StateKind::Parameter &&
                        found->second.tensor.requires_grad &&
                        ir::is_differentiable(found->second.tensor.dtype);
    states.push_back(tensor.set_requires_grad(learns));
  }
  return states;
}

std::vector<at::Tensor> states_on(
    c10::Device device, const std::vector<at::Tensor>& states) {
  std::map<const c10::StorageImpl*, int> num_users;
  for (const at::Tensor& state : states) {
    ++num_users[state.storage().unsafeGetStorageImpl()];
  }
  std::map<const c10::StorageImpl*, at::Storage> moved;
  std::vector<at::Tensor> out;
  for (const at::Tensor& state : states) {
    const c10::StorageImpl* from = state.storage().unsafeGetStorageImpl();
    at::Tensor tensor;
    if (num_users.at(from) == 1) {
      tensor = state.detach().to(device);
    } else {
      at::Storage& to = moved[from];
      if (!to) {
        const at::TensorOptions bytes(at::kByte);
        to = at::empty({0}, bytes).set_(state.storage()).to(device).storage();
      }
      tensor =
          at::empty({0}, state.options().device(device).requires_grad(false))
              .set_(to, state.storage_offset(), state.sizes(), state.strides());
    }
    out.push_back(tensor.set_requires_grad(state.requires_grad()));
  }
  return out;
}

}  // namespace pp
