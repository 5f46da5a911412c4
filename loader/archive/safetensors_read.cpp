#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "loader/archive/bytes.h"
#include "loader/archive/dense_bytes.h"
#include "loader/archive/safetensors.h"
#include "loader/archive/safetensors_types.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

namespace {

using Json = nlohmann::json;

/// Bounds the memory for a header. The reference reader has the same limit.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;

/// Parses the header. Refuses a name that appears twice: a JSON parser would
/// silently use the last entry.
Json parse_header(std::string_view text, const std::string& label) {
  std::set<std::string> names;
  const auto refuse = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > 4) {
      throw input_error(label + ": the safetensors header is nested too deep");
    }
    if (depth == 1 && event == Json::parse_event_t::key &&
        !names.insert(value.get<std::string>()).second) {
      throw input_error(
          label + ": tensor '" + value.get<std::string>() + "' appears twice");
    }
    return true;
  };
  try {
    Json header = Json::parse(text, refuse);
    if (header.is_object()) {
      return header;
    }
  } catch (const Json::exception&) {
    // The message below says more than the parser's.
  }
  throw input_error(
      label + ": is not a safetensors file: its header is not a JSON object");
}

/// Reads a list of sizes or offsets. Returns nullopt if it isn't a list of
/// integers in range.
std::optional<std::vector<int64_t>> numbers(
    const Json& entry, const char* key) {
  const auto list = entry.find(key);
  if (list == entry.end() || !list->is_array()) {
    return std::nullopt;
  }
  std::vector<int64_t> out;
  for (const Json& number : *list) {
    if (!number.is_number_unsigned() ||
        number.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
      return std::nullopt;
    }
    out.push_back(number.get<int64_t>());
  }
  return out;
}

/// Parses an entry of the header and checks it against the size of the data.
TensorView parse_tensor(
    const Json& entry,
    std::span<const std::byte> data,
    const std::string& where) {
  const auto dtype = entry.is_object() ? entry.find("dtype") : entry.end();
  if (dtype == entry.end() || !dtype->is_string()) {
    throw input_error(where + " has no dtype");
  }
  const auto type = safetensors_type(dtype->get_ref<const std::string&>());
  if (!type) {
    throw input_error(
        where + " has dtype '" + dtype->get<std::string>() +
        "', which is not supported");
  }
  auto sizes = numbers(entry, "shape");
  const auto offsets = numbers(entry, "data_offsets");
  if (!sizes || !offsets || offsets->size() != 2) {
    throw input_error(
        where + " needs 'shape', a list of integers of 0 or more, and " +
        "'data_offsets', a list of two of them");
  }
  const int64_t begin = (*offsets)[0];
  const int64_t end = (*offsets)[1];
  if (begin > end || static_cast<uint64_t>(end) > data.size()) {
    throw input_error(
        where + " should be at bytes " + std::to_string(begin) + " to " +
        std::to_string(end) + ", but the data section has " +
        std::to_string(data.size()) +
        " bytes: the file is truncated or damaged");
  }
  const auto expected = dense_bytes(*sizes, ir::element_size(*type));
  if (expected != static_cast<uint64_t>(end - begin)) {
    throw input_error(
        where + " of shape " + shape_text(*sizes) + " and type " +
        ir::name_of(*type) + " cannot have " + std::to_string(end - begin) +
        " bytes" + (expected ? "; it needs " + std::to_string(*expected) : ""));
  }
  return {
      .dtype = *type,
      .sizes = std::move(*sizes),
      .bytes = data.subspan(
          static_cast<size_t>(begin), static_cast<size_t>(end - begin)),
  };
}

/// Restores the complex type of tensors that are stored as pairs of real
/// numbers (see kComplexNames).
void join_parts(
    std::map<std::string, TensorView>& tensors,
    const std::string& names,
    const std::string& label) {
  const std::string where =
      label + ": '__metadata__' entry '" + kComplexNames + "'";
  const Json list = Json::parse(names, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) {
    throw input_error(where + " is not a JSON array of names");
  }
  for (const Json& name : list) {
    if (!name.is_string()) {
      throw input_error(where + " is not a JSON array of names");
    }
    const auto found = tensors.find(name.get_ref<const std::string&>());
    if (found == tensors.end()) {
      throw input_error(
          where + " lists '" + name.get<std::string>() +
          "', but the file has no such tensor");
    }
    TensorView& view = found->second;
    const auto type = type_of_pairs(view.dtype);
    if (!type || view.sizes.empty() || view.sizes.back() != 2) {
      throw input_error(
          where + " lists '" + found->first + "' as complex, but it is " +
          ir::name_of(view.dtype) + shape_text(view.sizes) +
          "; complex numbers are stored as floats with a last dimension of 2");
    }
    view.dtype = *type;
    view.sizes.pop_back();
  }
}

/// Refuses gaps and overlaps, which the format forbids: no byte of the data may
/// be hidden or used twice.
void check_cover(
    const std::map<std::string, TensorView>& tensors,
    std::span<const std::byte> data,
    const std::string& label) {
  std::vector<const std::pair<const std::string, TensorView>*> order;
  order.reserve(tensors.size());
  for (const auto& row : tensors) {
    order.push_back(&row);
  }
  std::ranges::sort(order, {}, [](const auto* row) {
    return std::pair(row->second.bytes.data(), row->second.bytes.size());
  });
  const std::byte* next = data.data();
  for (const auto* row : order) {
    const auto& bytes = row->second.bytes;
    if (bytes.data() != next) {
      throw input_error(
          label + ": tensor '" + row->first + "' " +
          (bytes.data() < next ? "overlaps the one before it"
                               : "leaves a gap before it") +
          " at byte " + std::to_string(bytes.data() - data.data()));
    }
    next = bytes.data() + bytes.size();
  }
  if (next != data.data() + data.size()) {
    throw input_error(
        label + ": " + std::to_string(data.data() + data.size() - next) +
        " bytes at its end do not belong to any tensor");
  }
}

}  // namespace

SafetensorsReader::SafetensorsReader(const std::filesystem::path& path)
    : file_(std::make_shared<MappedFile>(path, MappedFile::Mode::ReadOnly)) {
  const std::string label = path.string();
  const auto bytes = file_->bytes();
  if (bytes.size() < 8) {
    throw input_error(
        label + ": is not a safetensors file: " + std::to_string(bytes.size()) +
        " bytes are too few");
  }
  const auto header_bytes = load_le<uint64_t>(bytes, 0);
  if (header_bytes > kMaxHeaderBytes && fits(8, header_bytes, bytes.size())) {
    throw input_error(
        label + ": its safetensors header has " + std::to_string(header_bytes) +
        " bytes; the format allows at most " + std::to_string(kMaxHeaderBytes));
  }
  if (!fits(8, header_bytes, bytes.size())) {
    throw input_error(
        label + ": is not a safetensors file, or is truncated: its header " +
        "should have " + std::to_string(header_bytes) +
        " bytes, but the file has " + std::to_string(bytes.size()));
  }
  const Json header =
      parse_header(as_text(bytes.subspan(8, header_bytes)), label);
  const auto data = bytes.subspan(8 + header_bytes);
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (entry.is_null()) {
        continue;  // torch's reader accepts null too
      }
      if (!entry.is_object()) {
        throw input_error(label + ": '__metadata__' is not an object");
      }
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) {
          throw input_error(
              label + ": '__metadata__' entry '" + key + "' is not a string");
        }
        metadata_.emplace(key, value.get<std::string>());
      }
      continue;
    }
    tensors_.emplace(
        name, parse_tensor(entry, data, label + ": tensor '" + name + "'"));
  }
  check_cover(tensors_, data, label);
  if (const auto names = metadata_.find(kComplexNames);
      names != metadata_.end()) {
    join_parts(tensors_, names->second, label);
  }
}

const TensorView& SafetensorsReader::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) {
    return found->second;
  }
  std::vector<std::string> names;
  for (const auto& [candidate, view] : tensors_) {
    names.push_back(candidate);
  }
  throw input_error(
      path().string() + ": tensor '" + name + "' is missing" +
      did_you_mean(name, names));
}

}  // namespace pp
