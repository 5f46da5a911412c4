#include "runtime/stage/states.h"

#include <memory>

#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>

#include "loader/core/error.h"

namespace pp {

namespace {

std::vector<int64_t> fixed(
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

/// Elements from the first to the last of a strided tensor, 0 if empty.
uint64_t extent(
    const std::vector<int64_t>& sizes,
    const std::vector<int64_t>& strides,
    const std::string& fqn) {
  constexpr int64_t kMost = int64_t{1} << 56;  // far beyond any file
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) {
      return 0;
    }
    int64_t reach = 0;
    if (strides[i] < 0 ||
        __builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last) || last > kMost) {
      throw input_error("'" + fqn + "' has sizes that do not fit in memory");
    }
  }
  return static_cast<uint64_t>(last) + 1;
}

}  // namespace

std::vector<at::Tensor> map_states(
    const ir::Graph& graph,
    const std::map<std::string, StateRecord>& records,
    const ZipReader& archive,
    bool trainable) {
  std::map<std::filesystem::path, std::shared_ptr<MappedFile>> mappings;
  const auto map_file = [&](const std::filesystem::path& path) {
    std::shared_ptr<MappedFile>& mapping = mappings[path];
    if (!mapping) {
      mapping = std::make_shared<MappedFile>(path, MappedFile::Mode::Private);
    }
    return mapping;
  };
  std::vector<at::Tensor> states;
  for (const ir::State& state : graph.states) {
    const auto found = records.find(state.fqn);
    check(found != records.end(), "every state has a record");
    const StateRecord& record = found->second;
    if (!record.has_values()) {
      throw input_error(
          archive.path().string() + ": " + no_values_text(state.fqn));
    }
    const auto mapping =
        map_file(record.file ? record.file->path() : archive.path());
    const ir::TensorMeta& meta = record.tensor;
    const std::vector<int64_t> sizes = fixed(meta.sizes, state.fqn);
    const std::vector<int64_t> strides = fixed(meta.strides, state.fqn);
    const auto dtype = static_cast<at::ScalarType>(meta.dtype);
    const uint64_t item = c10::elementSize(dtype);
    const uint64_t begin = meta.storage_offset.value * item;
    const uint64_t needed = begin + extent(sizes, strides, state.fqn) * item;
    if (meta.storage_offset.value < 0 || needed > record.num_bytes ||
        record.offset + record.num_bytes > mapping->size()) {
      throw input_error(
          mapping->path().string() + ": record '" + record.record + "' of '" +
          state.fqn + "' holds " + std::to_string(record.num_bytes) +
          " bytes, its tensor needs " + std::to_string(needed));
    }
    const auto options = at::TensorOptions().dtype(dtype);
    at::Tensor tensor =
        needed == begin ? at::empty_strided(sizes, strides, options)
                        : at::from_blob(
                              mapping->writable_data() + record.offset + begin,
                              sizes,
                              strides,
                              [mapping](void*) {},
                              options);
    const bool learns = trainable && state.kind == ir::StateKind::Parameter &&
                        meta.requires_grad && tensor.is_floating_point();
    states.push_back(tensor.set_requires_grad(learns));
  }
  return states;
}

}  // namespace pp
