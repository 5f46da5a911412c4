#include "runtime/data/tensor_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <variant>

#include "loader/archive/folders.h"
#include "loader/archive/npy.h"
#include "loader/archive/pickle_tensors.h"
#include "loader/archive/zip_reader.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {
namespace {

namespace fs = std::filesystem;

/// Returns the tensor with the source's key, or the only one, or the one with
/// the source's name.
template <typename Value>
const Value& pick(
    const std::map<std::string, Value>& tensors,
    const SourceConfig& source,
    const std::string& path) {
  const std::string& key = source.key;
  std::vector<std::string> names;
  for (const auto& [name, value] : tensors) {
    names.push_back(name);
  }
  if (const auto found = tensors.find(key); found != tensors.end()) {
    return found->second;
  }
  if (!key.empty()) {
    throw input_error(
        path + " has no tensor '" + key + "'" + did_you_mean(key, names));
  }
  if (tensors.size() == 1) {
    return tensors.begin()->second;
  }
  if (const auto found = tensors.find(source.name); found != tensors.end()) {
    return found->second;
  }
  throw usage_error(
      path + " holds " + std::to_string(tensors.size()) + " tensors" +
      (source.name.empty() ? "" : ", none of them '" + source.name + "'") +
      "; set key to one of: " + join(names));
}

TensorFile open_npy(const fs::path& path) {
  auto reader = std::make_shared<const NpyReader>(path);
  return {path.string(), reader->tensor(), reader};
}

TensorFile open_safetensors(const fs::path& path, const SourceConfig& source) {
  auto reader = std::make_shared<const SafetensorsReader>(path);
  return {
      path.string(), pick(reader->tensors(), source, path.string()), reader};
}

std::map<std::string, PickledTensor> pickled_tensors(
    const PickleValue& value, const std::string& path) {
  std::map<std::string, PickledTensor> tensors;
  if (const auto* only = std::get_if<PickledTensor>(&value.value)) {
    tensors.emplace("", *only);
  } else if (
      const auto* mapping = std::get_if<PickleValue::Mapping>(&value.value)) {
    for (const auto& [key, item] : mapping->items) {
      const auto* name = std::get_if<std::string>(&key.value);
      const auto* tensor = std::get_if<PickledTensor>(&item.value);
      if (name != nullptr && tensor != nullptr) {
        tensors.emplace(*name, *tensor);
      }
    }
  }
  if (tensors.empty()) {
    throw input_error(
        path + " holds no tensor; save a tensor, or a dict of tensors by name");
  }
  return tensors;
}

/// Sizes and strides of a saved tensor, checked against the bytes that it has.
struct Layout {
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  int64_t offset = 0;
  int64_t num_elements = 1;
};

Layout checked_layout(
    const ir::TensorMeta& meta, size_t record_bytes, const std::string& path) {
  const auto capacity = static_cast<int64_t>(
      record_bytes / static_cast<size_t>(ir::element_size(meta.dtype)));
  Layout layout;
  layout.offset = meta.storage_offset.value;
  int64_t last = layout.offset;  // the highest element that is read
  bool fits = layout.offset >= 0 && layout.offset <= capacity &&
              meta.sizes.size() == meta.strides.size();
  for (size_t i = 0; fits && i < meta.sizes.size(); ++i) {
    const int64_t size = meta.sizes[i].value;
    const int64_t stride = meta.strides[i].value;
    layout.sizes.push_back(size);
    layout.strides.push_back(stride);
    // A stride of 0 repeats an element, so the record doesn't bound its size.
    fits = size >= 0 && stride >= 0 && size <= (int64_t{1} << 40) &&
           layout.num_elements <= (int64_t{1} << 40) &&
           (size == 0 || stride <= capacity) &&
           (size <= 1 || stride == 0 || (size - 1) <= capacity / stride);
    if (fits) {
      layout.num_elements *= size;
      last += size > 0 ? (size - 1) * stride : 0;
      fits = last <= capacity;
    }
  }
  if (!fits || (layout.num_elements > 0 && last >= capacity)) {
    throw input_error(
        path + ": damaged: a tensor extends past the end of its data");
  }
  return layout;
}

bool is_contiguous(const Layout& layout) {
  int64_t expected = 1;
  for (size_t i = layout.sizes.size(); i-- > 0;) {
    if (layout.sizes[i] != 1 && layout.strides[i] != expected) {
      return false;
    }
    expected *= layout.sizes[i];
  }
  return true;
}

/// Copies the elements in row-major order.
std::vector<std::byte> packed(
    const Layout& layout, const std::byte* storage, size_t element) {
  std::vector<std::byte> out(
      static_cast<size_t>(layout.num_elements) * element);
  std::vector<int64_t> index(layout.sizes.size(), 0);
  for (size_t i = 0; i < static_cast<size_t>(layout.num_elements); ++i) {
    int64_t at = layout.offset;
    for (size_t d = 0; d < index.size(); ++d) {
      at += index[d] * layout.strides[d];
    }
    std::memcpy(
        out.data() + i * element,
        storage + static_cast<size_t>(at) * element,
        element);
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < layout.sizes[d]) {
        break;
      }
      index[d] = 0;
    }
  }
  return out;
}

TensorFile open_pt(const fs::path& path, const SourceConfig& source) {
  auto archive = std::make_shared<const ZipReader>(path);
  const auto tensors = pickled_tensors(read_pickle(*archive), path.string());
  const PickledTensor& tensor = pick(tensors, source, path.string());
  const auto storage = archive->bytes(archive->find(tensor.record));
  const Layout layout =
      checked_layout(tensor.tensor, storage.size(), path.string());
  const auto element =
      static_cast<size_t>(ir::element_size(tensor.tensor.dtype));

  TensorFile file{path.string(), {tensor.tensor.dtype, layout.sizes, {}}, {}};
  if (layout.num_elements == 0) {
    return file;
  }
  if (is_contiguous(layout)) {
    file.tensor.bytes = storage.subspan(
        static_cast<size_t>(layout.offset) * element,
        static_cast<size_t>(layout.num_elements) * element);
    file.owner = archive;
  } else {
    auto bytes = std::make_shared<const std::vector<std::byte>>(
        packed(layout, storage.data(), element));
    file.tensor.bytes = *bytes;
    file.owner = bytes;
  }
  return file;
}

TensorFile open_bin(const fs::path& path, const SourceConfig& source) {
  if (!source.dtype) {
    throw usage_error(
        path.string() + " needs dtype, which a .bin file does not record");
  }
  auto file =
      std::make_shared<const MappedFile>(path, MappedFile::Mode::ReadOnly);
  auto row = static_cast<uint64_t>(ir::element_size(*source.dtype));
  for (const int64_t size : source.shape) {
    // A row isn't larger than its file, so the product can't overflow.
    if (size < 1 || row > file->size() / static_cast<uint64_t>(size)) {
      row = 0;
      break;
    }
    row *= static_cast<uint64_t>(size);
  }
  if (row == 0 || file->size() % row != 0) {
    throw input_error(
        path.string() + " has " + std::to_string(file->size()) +
        " bytes, which is not a whole number of rows of " +
        ir::name_of(*source.dtype) +
        (source.shape.empty() ? "" : " " + shape_text(source.shape)));
  }
  std::vector<int64_t> sizes = {static_cast<int64_t>(file->size() / row)};
  sizes.insert(sizes.end(), source.shape.begin(), source.shape.end());
  return {path.string(), {*source.dtype, sizes, file->bytes()}, file};
}

}  // namespace

std::vector<fs::path> files_of(const SourceConfig& source) {
  const fs::path path = source.path;
  const std::string pattern = path.filename().string();
  if (pattern.find_first_of("*?") == std::string::npos) {
    return {path};
  }
  std::vector<fs::path> files;
  for (const fs::path& entry : entries_of(path.parent_path())) {
    if (matches_glob(entry.filename().string(), pattern)) {
      files.push_back(entry);
    }
  }
  if (files.empty()) {
    throw input_error("no file matches " + path.string());
  }
  std::ranges::sort(files);
  return files;
}

TensorFile open_tensor_file(const fs::path& path, const SourceConfig& source) {
  const std::string ending = path.extension().string();
  if (ending == ".npy") {
    return open_npy(path);
  }
  if (ending == ".safetensors") {
    return open_safetensors(path, source);
  }
  if (ending == ".pt") {
    return open_pt(path, source);
  }
  if (ending == ".bin") {
    return open_bin(path, source);
  }
  throw usage_error(
      "can't tell what " + path.string() +
      " holds; data files end in .npy, .safetensors, .pt or .bin");
}

}  // namespace pp
