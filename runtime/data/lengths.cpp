#include "runtime/data/lengths.h"

#include <algorithm>
#include <cstring>
#include <limits>

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
      file.path + ": lengths are one list of integers, this is " +
      ir::name_of(type) + shape_text(file.tensor.sizes));
}

}  // namespace

Lengths::Lengths(
    const std::string& label,
    const SourceConfig& config,
    std::span<const TensorFile> files)
    : buckets_(config.pad_to) {
  SourceConfig named;
  named.path = config.lengths;
  const auto paths = files_of(named);
  if (paths.size() != files.size()) {
    throw usage_error(
        label + ": " + std::to_string(files.size()) + " files of rows and " +
        std::to_string(paths.size()) +
        " of lengths; each file of rows has one of lengths");
  }
  const auto limit = buckets_.empty() ? std::numeric_limits<int64_t>::max()
                                      : std::ranges::max(buckets_);
  for (size_t f = 0; f < files.size(); ++f) {
    const TensorFile& file = files[f];
    const std::vector<int64_t>& sizes = file.tensor.sizes;
    if (sizes.empty() || sizes.size() > 2) {
      throw input_error(
          label + ": " + file.path + " has shape " + shape_text(sizes) +
          "; rows with lengths lie one after the other, or are [rows, "
          "longest]");
    }
    const std::vector<int64_t> all =
        read_lengths(open_tensor_file(paths[f], named));
    const bool is_table = sizes.size() == 2;
    if (is_table && std::ssize(all) != sizes[0]) {
      throw input_error(
          paths[f].string() + " has " + std::to_string(all.size()) +
          " lengths, " + file.path + " " + std::to_string(sizes[0]) + " rows");
    }
    int64_t begin = 0;
    for (size_t k = 0; k < all.size(); ++k) {
      const int64_t room = is_table ? sizes[1] : sizes[0] - begin;
      const auto refuse = [&](const std::string& why) {
        throw input_error(
            label + ": row " + std::to_string(k) + " of " + file.path +
            " has length " + std::to_string(all[k]) + " (" + paths[f].string() +
            "), " + why);
      };
      if (all[k] < 0) {
        refuse("which is negative");
      }
      if (all[k] > room) {
        refuse("but " + std::to_string(room) + " elements are there");
      }
      if (all[k] > limit) {
        refuse("more than pad_to = " + std::to_string(limit));
      }
      rows_.push_back({static_cast<int32_t>(f), begin, all[k]});
      begin += is_table ? sizes[1] : all[k];
      longest_ = std::max(longest_, all[k]);
    }
    if (!is_table && begin != sizes[0]) {
      throw input_error(
          label + ": the lengths of " + paths[f].string() + " add up to " +
          std::to_string(begin) + ", " + file.path + " has " +
          std::to_string(sizes[0]) + " elements");
    }
  }
  std::ranges::sort(buckets_);
  is_fixed_ = buckets_.size() == 1;
  longest_ = buckets_.empty() ? longest_ : buckets_.back();
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
