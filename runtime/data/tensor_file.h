#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "loader/archive/safetensors.h"
#include "runtime/job/job.h"

namespace pp {

/// One tensor in one file, where it lies.
struct TensorFile {
  std::string path;
  TensorView tensor;
  std::shared_ptr<const void> owner;  ///< keeps the bytes alive
};

/// The files that a source names, in the order of their names.
/// throws  Error(Input): none matches
std::vector<std::filesystem::path> files_of(const SourceConfig& source);

/// Maps a file by its ending: .npy, .safetensors, .pt or .bin.
///
/// throws  Error(Input): unreadable, no tensor of that key, a .bin whose size
///         is no multiple of a row; Error(Usage): another ending, several
///         tensors and no key
TensorFile open_tensor_file(
    const std::filesystem::path& path, const SourceConfig& source);

}  // namespace pp
