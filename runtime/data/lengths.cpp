#include "runtime/data/lengths.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

namespace {

template <typename T>
std::vector<int64_t> integers(const TensorView& tensor) {
  std::vector<int64_t> out;
  for (size_t at = 0; at < tensor.bytes.size(); at += sizeof(T)) {
    T value{};
    std::memcpy(&value, tensor.bytes.data() + at, sizeof(T));
    out.push_back(static_cast<int64_t>(value));
  }
  return out;
}

std::vector<int64_t> read_lengths(const TensorFile& file) {
  const ir::ScalarType type = file.tensor.dtype;
  if (file.tensor.sizes.size() == 1) {
    switch (type) {
      case ir::ScalarType::Long:
        return integers<int64_t>(file.tensor);
      case ir::ScalarType::Int:
        return integers<int32_t>(file.tensor);
      case ir::ScalarType::UInt32:
        return integers<uint32_t>(file.tensor);
      case ir::ScalarType::UInt16:
        return integers<uint16_t>(file.tensor);
      default:
        break;
    }
  }
  throw input_error(
      file.path + ": lengths must be a list of integers, but this is " +
      ir::name_of(type) + shape_text(file.tensor.sizes));
}

}  // namespace

Lengths::Lengths(
    const std::string& label,
    const SourceConfig& config,
    std::span<const TensorFile> files)
    : buckets_(config.pad_to) {
  std::ranges::sort(buckets_);
  SourceConfig lengths;
  lengths.path = config.lengths;
  const auto paths = files_of(lengths);
  if (paths.size() != files.size()) {
    throw usage_error(
        label + ": there are " +
        count_text(files.size(), "data file", "data files") + ", but " +
        count_text(paths.size(), "lengths file", "lengths files") +
        "; give one lengths file per data file");
  }
  for (size_t i = 0; i < files.size(); ++i) {
    const std::vector<int64_t>& sizes = files[i].tensor.sizes;
    if (sizes.empty() || sizes.size() > 2) {
      throw input_error(
          label + ": " + files[i].path + " has shape " + shape_text(sizes) +
          "; where 'lengths' is set, it must have 1 dimension (all rows, one "
          "after the other) or 2: [rows, longest row]");
    }
    add_file(
        label,
        static_cast<int32_t>(i),
        files[i],
        paths[i].string(),
        read_lengths(open_tensor_file(paths[i], lengths)));
  }
  is_fixed_ = buckets_.size() == 1;
  longest_ = buckets_.empty() ? longest_ : buckets_.back();
}

void Lengths::add_file(
    const std::string& label,
    int32_t file_index,
    const TensorFile& file,
    const std::string& lengths_path,
    const std::vector<int64_t>& lengths) {
  const std::vector<int64_t>& sizes = file.tensor.sizes;
  const bool is_table = sizes.size() == 2;
  if (is_table && std::ssize(lengths) != sizes[0]) {
    throw input_error(
        lengths_path + " has " +
        count_text(lengths.size(), "length", "lengths") + ", but " + file.path +
        " has " + count_text(sizes[0], "row", "rows"));
  }
  const auto limit =
      buckets_.empty() ? std::numeric_limits<int64_t>::max() : buckets_.back();
  int64_t begin = 0;
  for (size_t k = 0; k < lengths.size(); ++k) {
    const int64_t room = is_table ? sizes[1] : sizes[0] - begin;
    const auto refuse = [&](const std::string& why) {
      throw input_error(
          label + ": row " + std::to_string(k) + " of " + file.path +
          " has length " + std::to_string(lengths[k]) + " (" + lengths_path +
          "), " + why);
    };
    if (lengths[k] < 0) {
      refuse("which is negative");
    }
    if (lengths[k] > room) {
      refuse(
          "but only " + count_text(room, "element is", "elements are") +
          " left");
    }
    if (lengths[k] > limit) {
      refuse("more than pad_to = " + std::to_string(limit));
    }
    rows_.push_back({file_index, begin, lengths[k]});
    begin += is_table ? sizes[1] : lengths[k];
    longest_ = std::max(longest_, lengths[k]);
  }
  if (!is_table && begin != sizes[0]) {
    throw input_error(
        label + ": the lengths of " + lengths_path + " add up to " +
        std::to_string(begin) + ", but " + file.path + " has " +
        count_text(sizes[0], "element", "elements"));
  }
}

int64_t Lengths::padded(std::span<const int64_t> rows) const {
  int64_t longest = 0;
  for (const int64_t row : rows) {
    longest = std::max(longest, rows_[row].size);
  }
  const auto bucket = std::ranges::lower_bound(buckets_, longest);
  return bucket == buckets_.end() ? longest : *bucket;
}

}  // namespace pp
