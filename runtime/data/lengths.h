#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/data/tensor_file.h"
#include "runtime/job/job.h"

namespace pp {

/// How long each row of a source is, and how far rows are filled up.
class Lengths {
 public:
  /// Reads the lengths of the rows of one file after the other.
  ///
  /// files   what holds the rows: each one long sequence with its rows one
  ///         after the other, or [rows, longest]
  /// throws  Error(Input) naming file, row and reason: a length that is
  ///         negative, longer than its row or than `pad_to`; lengths that do
  ///         not add up to their sequence. Error(Usage): files that do not pair
  Lengths(
      const std::string& label,
      const SourceConfig& config,
      std::span<const TensorFile> files);

  int64_t num_rows() const { return static_cast<int64_t>(rows_.size()); }
  /// The longest a padded row can get.
  int64_t longest() const { return longest_; }
  /// Whether padded rows always have that length.
  bool is_fixed() const { return is_fixed_; }
  /// The length that these rows are filled up to: all the same.
  int64_t padded(std::span<const int64_t> rows) const;

  struct Row {
    int32_t file = 0;
    int64_t begin = 0;  ///< in elements of its file
    int64_t size = 0;
  };
  const Row& row(int64_t index) const { return rows_[index]; }

 private:
  std::vector<Row> rows_;
  std::vector<int64_t> buckets_;  ///< ascending; empty: the longest of a batch
  int64_t longest_ = 0;
  bool is_fixed_ = false;
};

}  // namespace pp
