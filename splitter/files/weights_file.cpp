#include "splitter/files/weights_file.h"

#include <cstring>
#include <utility>

#include "loader/archive/dense_bytes.h"
#include "loader/core/error.h"
#include "splitter/files/record_places.h"

namespace pp {

namespace {

// Python tools look for the format. The other entry says that the file may be
// written again.
constexpr std::pair<const char*, const char*> kFormat{"format", "pt"};
constexpr std::pair<const char*, const char*> kWriter{"written_by", "pp merge"};

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
  check(num_bytes.has_value(), "the sizes of a weight were checked");
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
  std::map<std::string, std::string> metadata = notes_;
  metadata.insert_or_assign(kFormat.first, kFormat.second);
  metadata.insert_or_assign(kWriter.first, kWriter.second);
  write_safetensors(path, tensors_, metadata);
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
