#include "splitter/files/weights_file.h"

#include <cstring>
#include <utility>

#include "loader/archive/dense_bytes.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "splitter/files/record_places.h"

namespace pp {

namespace {

// Python tools look for the entry `format`. The entry `written_by` marks a file
// that pp may overwrite.
constexpr std::pair<const char*, const char*> kFormat{"format", "pt"};
constexpr std::pair<const char*, const char*> kWriter{"written_by", "pp merge"};

// A tensor may repeat elements, as an expanded mask does: its strides are 0.
// The file gets all of them, so a small record could ask for any amount of
// memory. Masks and tables of positions stay below these limits.
constexpr uint64_t kMaxRepetitions = 1024;
constexpr uint64_t kAlwaysAllowedBytes = uint64_t{1} << 30;

void check_repetitions(
    const std::string& name, uint64_t num_bytes, uint64_t record_bytes) {
  if (num_bytes > kAlwaysAllowedBytes &&
      num_bytes / kMaxRepetitions > record_bytes) {
    throw input_error(
        "'" + name + "' would take " + human_bytes(num_bytes) +
        ", but its record has " + human_bytes(record_bytes) +
        "; a tensor that repeats its elements may take up to " +
        std::to_string(kMaxRepetitions) + " times its record's bytes, or " +
        human_bytes(kAlwaysAllowedBytes));
  }
}

}  // namespace

void WeightsFile::add(
    const std::string& name,
    const std::vector<std::string>& aliases,
    const TensorView& tensor) {
  tensors_.insert_or_assign(name, tensor);
  for (const std::string& alias : aliases) {
    notes_.insert_or_assign(alias, name);
  }
}

void WeightsFile::add(
    const std::string& name,
    const std::vector<std::string>& aliases,
    const ir::TensorMeta& tensor,
    std::span<const std::byte> record) {
  TensorView view{tensor.dtype, fixed_sizes_of(tensor), {}};
  const auto element = static_cast<size_t>(ir::element_size(tensor.dtype));
  const auto num_bytes = dense_bytes(view.sizes, static_cast<int64_t>(element));
  if (!num_bytes) {
    throw input_error("the sizes of '" + name + "' are too large");
  }
  check_repetitions(name, *num_bytes, record.size());
  if (is_contiguous(tensor)) {
    const auto begin =
        static_cast<size_t>(tensor.storage_offset.value) * element;
    view.bytes = record.subspan(*num_bytes > 0 ? begin : 0, *num_bytes);
  } else {
    std::vector<std::byte>& packed = packed_.emplace_back(*num_bytes);
    for_each_place(tensor, [&](size_t index, size_t place) {
      std::memcpy(
          packed.data() + index * element,
          record.data() + place * element,
          element);
    });
    view.bytes = packed;
  }
  add(name, aliases, view);
}

void WeightsFile::write(const std::filesystem::path& path) const {
  std::map<std::string, std::string> metadata = weights_metadata();
  metadata.insert(notes_.begin(), notes_.end());
  write_safetensors(path, tensors_, metadata);
}

std::map<std::string, std::string> weights_metadata() {
  return {{kFormat.first, kFormat.second}, {kWriter.first, kWriter.second}};
}

bool is_weights_file(const std::filesystem::path& path) {
  try {
    const SafetensorsReader reader(path);
    const auto writer = reader.metadata().find(kWriter.first);
    return writer != reader.metadata().end() &&
           writer->second == kWriter.second;
  } catch (const Error&) {
    return false;  // not a safetensors file
  }
}

}  // namespace pp
