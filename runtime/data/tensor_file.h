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
/// throws  Error(Input): no file matches
std::vector<std::filesystem::path> files_of(const SourceConfig& source);

/// Maps a file into memory. Its format follows from its extension: .npy,
/// .safetensors, .pt or .bin.
///
/// throws  Error(Input): the file can't be read, it has no tensor with that
///         key, or a .bin file's size isn't a multiple of a row's;
///         Error(Usage): the extension is unknown, or the file has several
///         tensors, none of them called `source.name`, and no key is given
TensorFile open_tensor_file(
    const std::filesystem::path& path, const SourceConfig& source);

}  // namespace pp
