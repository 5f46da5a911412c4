#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "loader/archive/safetensors.h"
#include "runtime/job/job.h"

namespace pp {

/// One tensor in a mapped file.
struct TensorFile {
  std::string path;
  TensorView tensor;
  std::shared_ptr<const void> owner;  ///< keeps the bytes alive
};

/// Returns the files that a source's pattern matches, sorted by name.
///
/// throws  Error(Input): none matches
std::vector<std::filesystem::path> files_of(const SourceConfig& source);

/// Maps a file in the format of its ending: .npy, .safetensors, .pt or .bin.
///
/// throws  Error(Input): unreadable, no tensor with that key, a .bin whose size
///         isn't a multiple of a row's; Error(Usage): another ending, several
///         tensors and no key
TensorFile open_tensor_file(
    const std::filesystem::path& path, const SourceConfig& source);

}  // namespace pp
