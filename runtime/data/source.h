#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "loader/ir/types.h"
#include "runtime/data/lengths.h"
#include "runtime/data/tensor_file.h"
#include "runtime/job/job.h"

namespace pp {

/// The rows of one input or of the target: one or several mapped files, joined
/// into one tensor along the dimension that counts samples.
class Source {
 public:
  /// label       the input's name, for messages
  /// last_shift  the largest shift of all sources that cut windows from the
  ///             same files; it determines how many windows each source has
  /// throws      Error(Input): a file can't be read, files have different types
  ///             or shapes, or a sequence is shorter than a window;
  ///             Error(Usage): a source without rows has several files
  Source(std::string label, const SourceConfig& config, int64_t last_shift);

  const std::string& label() const { return label_; }
  /// The path of the first file.
  const std::string& path() const { return files_.front().path; }
  ir::ScalarType dtype() const { return files_.front().tensor.dtype; }
  /// The sizes of the joined tensor. Windows count as rows; padded rows have
  /// the length of the longest row.
  const std::vector<int64_t>& sizes() const { return sizes_; }
  bool has_rows() const { return config_.split_dim.has_value(); }
  int64_t split_dim() const { return *config_.split_dim; }
  int64_t num_rows() const { return sizes_[*config_.split_dim]; }

  /// The lengths of the rows if they are padded; null if all rows have the same
  /// length.
  const Lengths* lengths() const { return lengths_ ? &*lengths_ : nullptr; }

  /// The number of elements of a row without its padding.
  int64_t own_size(int64_t row) const {
    return std::max<int64_t>(0, lengths_->row(row).size - config_.shift);
  }

  /// Copies the given rows into a new contiguous tensor of type `as`, in the
  /// given order.
  at::Tensor gather(std::span<const int64_t> rows, at::ScalarType as) const;
  /// Copies the given rows, which may have different lengths, each padded to
  /// `length`.
  at::Tensor gather_padded(
      std::span<const int64_t> rows, int64_t length, at::ScalarType as) const;
  /// Copies the whole tensor of a source without rows.
  at::Tensor whole(at::ScalarType as) const;

 private:
  /// The layout of rows in a file. The file consists of `outer_` strips, and
  /// each strip has one block of every row.
  struct Strips {
    int64_t first_row = 0;  ///< number of the file's first row among all rows
    int64_t num_rows = 0;
    size_t offset = 0;      ///< bytes to the first block
    size_t strip_step = 0;  ///< bytes from strip to strip
    size_t row_step = 0;    ///< bytes from row to row
  };

  void lay_out_rows();
  void lay_out_windows(int64_t last_shift);
  const Strips& strips_of(int64_t row) const;
  at::Tensor empty(const std::vector<int64_t>& sizes) const;

  std::string label_;
  SourceConfig config_;
  std::vector<TensorFile> files_;
  std::vector<Strips> strips_;  ///< one per file
  std::optional<Lengths> lengths_;
  std::vector<int64_t> sizes_;
  size_t outer_ = 1;
  size_t block_ = 0;  ///< bytes of a row's block
};

}  // namespace pp
