#pragma once

#include <string>
#include <vector>

namespace pp {

/// A text table with aligned columns, two spaces apart. Widths are counted in
/// characters, not in bytes (UTF-8).
class Table {
 public:
  enum class Align { Left, Right };

  /// Creates an empty table.
  /// columns  the alignment of each column; a row may have fewer cells than
  ///          columns
  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  size_t num_rows() const { return rows_.size(); }

  /// Formats the table. Every line starts with `indent` and ends in a line
  /// break.
  std::string text(const std::string& indent = "") const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace pp
