#include <algorithm>

#include <nlohmann/json.hpp>

#include "loader/archive/bytes.h"
#include "loader/archive/dense_bytes.h"
#include "loader/archive/safetensors.h"
#include "loader/archive/safetensors_types.h"
#include "loader/archive/temp_file.h"
#include "loader/core/error.h"

namespace pp {

namespace {

using Row = const std::pair<const std::string, TensorSource>*;

uint64_t num_bytes(const TensorSource& source) {
  return source.file != nullptr ? source.file->size() : source.bytes.size();
}

/// The order of the data: wide elements first, like in the reference writer, so
/// that every tensor is aligned to its element without gaps.
std::vector<Row> data_order(
    const std::map<std::string, TensorSource>& tensors) {
  std::vector<Row> order;
  for (const auto& row : tensors) {
    order.push_back(&row);
  }
  std::ranges::stable_sort(order, std::greater<>(), [](Row row) {
    return ir::element_size(row->second.dtype);
  });
  return order;
}

/// Whether the format has no name for a complex type, so that its parts are
/// stored as real numbers.
bool is_stored_in_parts(ir::ScalarType type) {
  return !safetensors_name(type) && type_of_parts(type).has_value();
}

/// Returns the metadata with an added entry: the names of the complex tensors
/// that are stored in parts.
std::map<std::string, std::string> with_complex_names(
    const std::vector<Row>& order,
    std::map<std::string, std::string> metadata) {
  nlohmann::json names = nlohmann::json::array();
  for (const Row row : order) {
    if (is_stored_in_parts(row->second.dtype)) {
      names.push_back(row->first);
    }
  }
  if (!names.empty()) {
    metadata[kComplexNames] = names.dump();
  }
  return metadata;
}

/// A tensor's entry in the header. Its data begin at `offset`.
nlohmann::ordered_json entry_of(const TensorSource& view, uint64_t offset) {
  ir::ScalarType type = view.dtype;
  std::vector<int64_t> sizes = view.sizes;
  if (is_stored_in_parts(type)) {
    type = *type_of_parts(type);
    sizes.push_back(2);
  }
  const auto name = safetensors_name(type);
  check(name.has_value(), "every type has a name, or parts that have one");
  return {
      {"dtype", *name},
      {"shape", sizes},
      {"data_offsets", {offset, offset + num_bytes(view)}},
  };
}

std::string header_text(
    const std::vector<Row>& order,
    const std::map<std::string, std::string>& metadata,
    const std::filesystem::path& path) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  uint64_t offset = 0;
  try {
    if (const auto all = with_complex_names(order, metadata); !all.empty()) {
      header["__metadata__"] = all;
    }
    for (const Row row : order) {
      const TensorSource& view = row->second;
      if (row->first == "__metadata__") {
        throw runtime_error(
            path.string() +
            ": cannot write tensor '__metadata__': safetensors reserves that "
            "name");
      }
      check(
          dense_bytes(view.sizes, ir::element_size(view.dtype)) ==
              num_bytes(view),
          "the view of '" + row->first + "' has the bytes its shape needs");
      header[row->first] = entry_of(view, offset);
      offset += num_bytes(view);
    }
    return header.dump();
  } catch (const nlohmann::json::exception&) {
    throw runtime_error(
        path.string() + ": cannot write it: a tensor's name or the metadata " +
        "is not UTF-8");
  }
}

}  // namespace

void write_safetensors(
    const std::filesystem::path& path,
    const std::map<std::string, TensorView>& tensors,
    const std::map<std::string, std::string>& metadata) {
  std::map<std::string, TensorSource> sources;
  for (const auto& [name, view] : tensors) {
    sources.emplace(name, TensorSource{view.dtype, view.sizes, view.bytes});
  }
  assemble_safetensors(path, sources, metadata);
}

void assemble_safetensors(
    const std::filesystem::path& path,
    const std::map<std::string, TensorSource>& tensors,
    const std::map<std::string, std::string>& metadata) {
  const std::vector<Row> order = data_order(tensors);
  std::string header = header_text(order, metadata, path);
  // Align the data: readers map the file, and kernels crash on a complex128
  // that isn't at a multiple of 16 bytes.
  constexpr size_t kAlignment = 16;
  constexpr size_t kPrefix = sizeof(uint64_t);
  header.resize(
      (kPrefix + header.size() + kAlignment - 1) / kAlignment * kAlignment -
          kPrefix,
      ' ');
  std::string prefix;
  append_le<uint64_t>(prefix, header.size());

  TempFile file(path);
  file.write(as_bytes(prefix + header));
  for (const Row row : order) {
    if (row->second.file != nullptr) {
      file.append(*row->second.file);
    } else {
      file.write(row->second.bytes);
    }
  }
  file.commit();
}

}  // namespace pp
