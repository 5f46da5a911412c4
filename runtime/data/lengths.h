#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/data/tensor_file.h"
#include "runtime/job/job.h"

namespace pp {

/// The lengths of a source's rows, and the lengths to which the rows are
/// padded.
class Lengths {
 public:
  /// Reads the lengths of the rows of every file.
  ///
  /// files   the files that hold the rows. In each, either the rows follow each
  ///         other as one long sequence, or the shape is [rows, longest]
  /// throws  Error(Input) naming file, row and reason: a length is negative, or
  ///         longer than its row or than `pad_to`, or the lengths don't add up
  ///         to their sequence; Error(Usage): the number of files of lengths
  ///         differs from the number of files of rows
  Lengths(
      const std::string& label,
      const SourceConfig& config,
      std::span<const TensorFile> files);

  int64_t num_rows() const { return static_cast<int64_t>(rows_.size()); }
  /// The length of the longest padded row.
  int64_t longest() const { return longest_; }
  /// Whether all padded rows have the same length.
  bool is_fixed() const { return is_fixed_; }
  /// Returns the length to which all of the given rows are padded.
  int64_t padded(std::span<const int64_t> rows) const;

  struct Row {
    int32_t file = 0;
    int64_t begin = 0;  ///< first element of the row in its file
    int64_t size = 0;
  };
  const Row& row(int64_t index) const { return rows_[index]; }

 private:
  void add_file(
      const std::string& label,
      int32_t file_index,
      const TensorFile& file,
      const std::string& lengths_path,
      const std::vector<int64_t>& lengths);

  std::vector<Row> rows_;
  std::vector<int64_t> buckets_;  ///< ascending; empty: pad to the longest row
  int64_t longest_ = 0;
  bool is_fixed_ = false;
};

}  // namespace pp
