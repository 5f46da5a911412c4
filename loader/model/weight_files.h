#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "loader/archive/safetensors.h"

namespace pp {

/// The tensors of several safetensors files, by name.
class WeightFiles {
 public:
  struct Found {
    const TensorView* tensor = nullptr;  ///< null if no file has the tensor
    std::shared_ptr<const MappedFile> file;
    /// The tensor's first byte, counted from the file's start.
    uint64_t offset = 0;
  };

  /// Opens all matching files.
  /// pattern  a path whose last component may contain `*` and `?`
  /// throws   Error(Input): no file matches, or two files have the same tensor
  explicit WeightFiles(const std::filesystem::path& pattern);

  /// The pattern, which names the files in messages.
  const std::string& label() const { return label_; }
  Found try_find(const std::string& name) const;
  std::vector<std::string> names() const;

 private:
  std::string label_;
  std::vector<SafetensorsReader> files_;
  // Index in files_ of each tensor, by its name.
  std::map<std::string, size_t> file_of_;
};

}  // namespace pp
