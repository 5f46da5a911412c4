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
    const TensorView* tensor = nullptr;
    std::shared_ptr<const MappedFile> file;
    uint64_t offset = 0;  ///< of the tensor, from the file's start
  };

  /// pattern  the last part may hold `*` and `?`
  /// throws   Error(Input): nothing matches; a tensor lies in two files
  explicit WeightFiles(const std::filesystem::path& pattern);

  const std::string& label() const { return label_; }
  /// tensor is null where there is none
  Found try_find(const std::string& name) const;
  std::vector<std::string> names() const;

 private:
  std::string label_;
  std::vector<SafetensorsReader> files_;
  std::map<std::string, size_t> file_of_;
};

}  // namespace pp
