#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "loader/archive/safetensors.h"
#include "splitter/files/source_archive.h"

namespace pp {

/// The tensors of all parts of a checkpoint folder.
class MergeCheckpoint {
 public:
  /// Opens the parts.
  /// throws  Error(Input) naming the folder: it is no checkpoint, or a part is
  ///         missing or damaged
  explicit MergeCheckpoint(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }

  /// Finds the tensor under the state's name or one of its aliases.
  /// throws  Error(Input) naming the tensor: it is missing, or has another
  ///         dtype or other sizes than the state
  const TensorView& find(const SourceState& state) const;

  /// Whether the checkpoint has or must have the state. It has constants and
  /// transient buffers where the graph writes them.
  bool replaces(const SourceState& state) const {
    return state.in_checkpoints || try_find(state) != nullptr;
  }

 private:
  const TensorView* try_find(const SourceState& state) const;
  const TensorView* try_find(const std::string& name) const;

  std::filesystem::path path_;
  std::vector<SafetensorsReader> parts_;
  std::map<std::string, const TensorView*> tensors_;
};

}  // namespace pp
