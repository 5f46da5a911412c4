#include "splitter/files/weight_shards.h"

#include <algorithm>
#include <deque>
#include <set>
#include <vector>

#include "loader/archive/atomic_file.h"
#include "loader/archive/float_types.h"
#include "loader/model/weight_folder.h"
#include "splitter/files/weights_file.h"
#include "splitter/manifest/ordered_json.h"

namespace pp {

namespace {

namespace fs = std::filesystem;

using Tensors = std::map<std::string, TensorView>;

ir::ScalarType written_type(
    const TensorView& tensor, std::optional<ir::ScalarType> dtype) {
  return dtype && is_convertible_float(tensor.dtype) ? *dtype : tensor.dtype;
}

uint64_t written_bytes(
    const TensorView& tensor, std::optional<ir::ScalarType> dtype) {
  return tensor.bytes.size() /
         static_cast<uint64_t>(ir::element_size(tensor.dtype)) *
         static_cast<uint64_t>(ir::element_size(written_type(tensor, dtype)));
}

std::vector<Tensors> cut_into_shards(
    const Tensors& tensors,
    std::optional<ir::ScalarType> dtype,
    uint64_t shard_bytes) {
  std::vector<Tensors> shards(1);
  uint64_t size = 0;
  for (const auto& [name, tensor] : tensors) {
    const uint64_t bytes = written_bytes(tensor, dtype);
    if (!shards.back().empty() &&
        bytes > shard_bytes - std::min(size, shard_bytes)) {
      shards.emplace_back();
      size = 0;
    }
    shards.back().emplace(name, tensor);
    size += bytes;
  }
  return shards;
}

void write_shard(
    const fs::path& path,
    Tensors tensors,
    std::optional<ir::ScalarType> dtype) {
  std::deque<std::vector<std::byte>> converted;
  for (auto& [name, tensor] : tensors) {
    const ir::ScalarType type = written_type(tensor, dtype);
    if (type != tensor.dtype) {
      tensor.bytes = converted.emplace_back(
          convert_floats(tensor.dtype, tensor.bytes, type));
      tensor.dtype = type;
    }
  }
  write_safetensors(path, tensors, weights_metadata());
}

/// "model-00002-of-00003.safetensors"
std::string shard_name(size_t number, size_t count) {
  const auto digits = [](size_t value) {
    constexpr size_t kDigits = 5;
    std::string text = std::to_string(value);
    return std::string(kDigits - std::min(kDigits, text.size()), '0') + text;
  };
  return "model-" + digits(number) + "-of-" + digits(count) + ".safetensors";
}

}  // namespace

std::optional<ir::ScalarType> weights_dtype(
    const Tensors& tensors, std::optional<ir::ScalarType> dtype) {
  std::set<ir::ScalarType> types;
  for (const auto& [name, tensor] : tensors) {
    if (ir::is_floating(tensor.dtype)) {
      types.insert(written_type(tensor, dtype));
    }
  }
  return types.size() == 1 ? std::optional(*types.begin()) : std::nullopt;
}

void write_shards(
    const fs::path& folder,
    const Tensors& tensors,
    std::optional<ir::ScalarType> dtype,
    uint64_t shard_bytes) {
  const std::vector<Tensors> shards =
      cut_into_shards(tensors, dtype, shard_bytes);
  if (shards.size() == 1) {
    write_shard(folder / kSingleWeights, shards.front(), dtype);
    return;
  }
  uint64_t total = 0;
  std::map<std::string, std::string> files;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string file = shard_name(i + 1, shards.size());
    write_shard(folder / file, shards[i], dtype);
    for (const auto& [name, tensor] : shards[i]) {
      files[name] = file;
      total += written_bytes(tensor, dtype);
    }
  }
  const OrderedJson index = {
      {"metadata", {{"total_size", total}}}, {"weight_map", files}};
  write_file(folder / kWeightsIndex, index.dump(2) + "\n");
}

}  // namespace pp
