#pragma once

#include <filesystem>
#include <memory>

#include "loader/archive/safetensors.h"

namespace pp {

/// A mapped `.npy` file (version 1 to 3, little endian, C order).
class NpyReader {
 public:
  /// Maps the file and checks its header.
  /// throws  Error(Input) naming the path: not npy, pickled objects, Fortran
  ///         order, big endian, truncated
  explicit NpyReader(const std::filesystem::path& path);

  const TensorView& tensor() const { return tensor_; }
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

 private:
  std::shared_ptr<const MappedFile> file_;
  TensorView tensor_;
};

}  // namespace pp
