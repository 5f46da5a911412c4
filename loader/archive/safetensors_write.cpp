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

/// The order of the data: wide elements first, as the reference writer has it,
/// so that every tensor is aligned to its element without gaps.
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

std::string header_text(
    const std::vector<Row>& order,
    const std::map<std::string, std::string>& metadata,
    const std::filesystem::path& path) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) {
    header["__metadata__"] = metadata;
  }
  uint64_t offset = 0;
  for (const Row row : order) {
    const TensorSource& view = row->second;
    const auto type = safetensors_name(view.dtype);
    if (!type || row->first == "__metadata__") {
      throw runtime_error(
          path.string() + ": cannot write tensor '" + row->first +
          "': safetensors has no " +
          (type ? "tensor of that name" : ir::name_of(view.dtype)));
    }
    check(
        dense_bytes(view.sizes, ir::element_size(view.dtype)) ==
            num_bytes(view),
        "the view of '" + row->first + "' has the bytes its shape needs");
    const uint64_t end = offset + num_bytes(view);
    header[row->first] = {
        {"dtype", *type},
        {"shape", view.sizes},
        {"data_offsets", {offset, end}},
    };
    offset = end;
  }
  try {
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
  header.resize((header.size() + 7) / 8 * 8, ' ');  // aligns the data
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
