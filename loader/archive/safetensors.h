#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "loader/archive/mapped_file.h"
#include "loader/ir/types.h"

namespace pp {

class TempFile;  // temp_file.h

/// A tensor in memory or in a mapped file. The view doesn't own the memory.
struct TensorView {
  ir::ScalarType dtype = ir::ScalarType::Float;
  std::vector<int64_t> sizes;
  std::span<const std::byte> bytes;  ///< contiguous, row-major
};

/// A mapped `.safetensors` file. Opening checks the whole header: names,
/// dtypes, sizes, offsets, overlaps.
class SafetensorsReader {
 public:
  /// Maps the file and checks its header.
  /// throws  Error(Input) naming the path, and the tensor if one is at fault
  explicit SafetensorsReader(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_->path(); }
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const {
    return metadata_;
  }
  /// Finds a tensor by name.
  /// throws  Error(Input): there is no such tensor; the message offers similar
  ///         names
  const TensorView& find(const std::string& name) const;
  /// The mapped file. All tensor views point into it; it must outlive them.
  const std::shared_ptr<const MappedFile>& file() const { return file_; }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Writes a `.safetensors` file atomically (temporary file, fsync, rename).
/// throws  Error(Runtime) naming the path and the system's reason
void write_safetensors(
    const std::filesystem::path& path,
    const std::map<std::string, TensorView>& tensors,
    const std::map<std::string, std::string>& metadata = {});

/// A tensor to be written: in memory, or in a temporary file.
struct TensorSource {
  ir::ScalarType dtype = ir::ScalarType::Float;
  std::vector<int64_t> sizes;
  std::span<const std::byte> bytes;  ///< contiguous, row-major
  /// If set, the content of this file is used instead of `bytes`.
  const TempFile* file = nullptr;
};

/// Writes a `.safetensors` file like write_safetensors(). Some tensors may be
/// in temporary files; the kernel copies these files if the file system
/// supports it.
void assemble_safetensors(
    const std::filesystem::path& path,
    const std::map<std::string, TensorSource>& tensors,
    const std::map<std::string, std::string>& metadata = {});

}  // namespace pp
