#include "runtime/data/source.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <c10/core/TensorOptions.h>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {
namespace {

size_t product(std::span<const int64_t> sizes) {
  size_t product = 1;
  for (const int64_t size : sizes) {
    product *= static_cast<size_t>(size);
  }
  return product;
}

}  // namespace

Source::Source(
    std::string label, const SourceConfig& config, int64_t last_shift)
    : label_(std::move(label)), config_(config) {
  for (const auto& path : files_of(config)) {
    files_.push_back(open_tensor_file(path, config));
    if (files_.back().tensor.dtype != dtype()) {
      throw input_error(
          label_ + ": files have different types: " + files_.front().path +
          " holds " + ir::name_of(dtype()) + ", " + files_.back().path +
          " holds " + ir::name_of(files_.back().tensor.dtype));
    }
  }
  if (!config_.lengths.empty()) {
    lengths_.emplace(label_, config_, files_);
    sizes_ = {lengths_->num_rows(), lengths_->longest()};
  } else if (config_.window) {
    lay_out_windows(last_shift);
  } else if (config_.split_dim) {
    lay_out_rows();
  } else {
    if (files_.size() > 1) {
      throw usage_error(
          label_ + ": split_dim = \"none\" allows one file, but " +
          config_.path.string() + " matches " + std::to_string(files_.size()));
    }
    sizes_ = files_.front().tensor.sizes;
  }
}

void Source::lay_out_rows() {
  const auto dimension = static_cast<size_t>(*config_.split_dim);
  const auto element = static_cast<size_t>(ir::element_size(dtype()));
  for (const TensorFile& file : files_) {
    const std::vector<int64_t>& sizes = file.tensor.sizes;
    if (dimension >= sizes.size()) {
      throw input_error(
          label_ + ": " + file.path + " has shape " + shape_text(sizes) +
          ", which has no dimension " + std::to_string(dimension) +
          " (split_dim)");
    }
    if (sizes_.empty()) {
      sizes_ = sizes;
      sizes_[dimension] = 0;
      outer_ = product(std::span(sizes).first(dimension));
      block_ = product(std::span(sizes).subspan(dimension + 1)) * element;
    }
    std::vector<int64_t> wanted = sizes_;
    wanted.resize(std::max(sizes.size(), wanted.size()), -1);
    wanted[dimension] = sizes[dimension];
    if (wanted != sizes) {
      throw input_error(
          label_ +
          ": files have rows of different shapes: " + files_.front().path +
          " has " + shape_text(files_.front().tensor.sizes) + ", " + file.path +
          " has " + shape_text(sizes));
    }
    strips_.push_back(
        {.first_row = sizes_[dimension],
         .num_rows = sizes[dimension],
         .offset = 0,
         .strip_step = static_cast<size_t>(sizes[dimension]) * block_,
         .row_step = block_});
    sizes_[dimension] += sizes[dimension];
  }
}

void Source::lay_out_windows(int64_t last_shift) {
  const auto element = static_cast<size_t>(ir::element_size(dtype()));
  const int64_t window = *config_.window;
  const int64_t stride = config_.stride.value_or(window);
  sizes_ = {0, window};
  block_ = static_cast<size_t>(window) * element;
  for (const TensorFile& file : files_) {
    const std::vector<int64_t>& sizes = file.tensor.sizes;
    if (sizes.size() != 1) {
      throw input_error(
          label_ + ": windows are cut from one long sequence, but " +
          file.path + " has shape " + shape_text(sizes));
    }
    if (sizes[0] - last_shift < window) {
      throw input_error(
          label_ + ": " + file.path + " has " +
          count_text(sizes[0], "element", "elements") +
          ", too few for one window of " + std::to_string(window) +
          (last_shift > 0 ? " shifted by " + std::to_string(last_shift) : ""));
    }
    const int64_t rows = (sizes[0] - last_shift - window) / stride + 1;
    strips_.push_back(
        {.first_row = sizes_[0],
         .num_rows = rows,
         .offset = static_cast<size_t>(config_.shift) * element,
         .strip_step = 0,
         .row_step = static_cast<size_t>(stride) * element});
    sizes_[0] += rows;
  }
}

const Source::Strips& Source::strips_of(int64_t row) const {
  const auto after =
      std::ranges::upper_bound(strips_, row, {}, &Strips::first_row);
  check(after != strips_.begin(), "the row must be in a file");
  return *std::prev(after);
}

at::Tensor Source::empty(const std::vector<int64_t>& sizes) const {
  // A file may hold any byte for a bool. It is read as a byte, which the
  // conversion to bool makes 0 or 1.
  const at::ScalarType type = dtype() == ir::ScalarType::Bool
                                  ? at::kByte
                                  : static_cast<at::ScalarType>(dtype());
  return at::empty(sizes, at::TensorOptions().dtype(type));
}

at::Tensor Source::gather(
    std::span<const int64_t> rows, at::ScalarType as) const {
  std::vector<int64_t> sizes = sizes_;
  sizes[*config_.split_dim] = std::ssize(rows);
  at::Tensor out = empty(sizes);
  auto* to = static_cast<std::byte*>(out.data_ptr());
  for (size_t i = 0; block_ > 0 && i < rows.size(); ++i) {
    const Strips& strips = strips_of(rows[i]);
    const TensorFile& file = files_[&strips - strips_.data()];
    const std::byte* from =
        file.tensor.bytes.data() + strips.offset +
        static_cast<size_t>(rows[i] - strips.first_row) * strips.row_step;
    for (size_t strip = 0; strip < outer_; ++strip) {
      std::memcpy(
          to + (strip * rows.size() + i) * block_,
          from + strip * strips.strip_step,
          block_);
    }
  }
  return out.to(as);
}

at::Tensor Source::gather_padded(
    std::span<const int64_t> rows, int64_t length, at::ScalarType as) const {
  const auto element = static_cast<size_t>(ir::element_size(dtype()));
  const auto num_rows = static_cast<int64_t>(rows.size());
  at::Tensor out = at::full(
      {num_rows, length},
      config_.pad.value_or(0),
      at::TensorOptions().dtype(as));
  for (int64_t i = 0; i < num_rows; ++i) {
    const Lengths::Row& row = lengths_->row(rows[i]);
    const int64_t size = own_size(rows[i]);
    if (size == 0) {
      continue;
    }
    at::Tensor values = empty({size});
    std::memcpy(
        values.data_ptr(),
        files_[row.file].tensor.bytes.data() +
            static_cast<size_t>(row.begin + config_.shift) * element,
        static_cast<size_t>(size) * element);
    out.select(0, i).narrow(0, 0, size).copy_(values);
  }
  return out;
}

at::Tensor Source::whole(at::ScalarType as) const {
  at::Tensor out = empty(sizes_);
  const TensorView& tensor = files_.front().tensor;
  if (!tensor.bytes.empty()) {
    std::memcpy(out.data_ptr(), tensor.bytes.data(), tensor.bytes.size());
  }
  return out.to(as);
}

}  // namespace pp
