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
    const TensorView* tensor = nullptr;  ///< null: no file has the tensor
    std::shared_ptr<const MappedFile> file;
    uint64_t offset = 0;  ///< first byte, counted from the file's start
  };

  /// Opens all matching files.
  /// pattern  a path whose last part may contain `*` and `?`
  /// throws   Error(Input): no file matches, or two files have the same tensor
  explicit WeightFiles(const std::filesystem::path& pattern);

  const std::string& label() const { return label_; }
  Found try_find(const std::string& name) const;
  std::vector<std::string> names() const;

 private:
  std::string label_;
  std::vector<SafetensorsReader> files_;
  std::map<std::string, size_t> file_of_;  // index in files_, by tensor
};

}  // namespace pp
