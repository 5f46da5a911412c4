#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "loader/archive/safetensors.h"
#include "splitter/files/artifact.h"
#include "splitter/files/source_archive.h"

namespace pp {

/// The tensors of all parts of a checkpoint folder that are a model's weights.
class CheckpointTensors {
 public:
  /// throws  Error(Input) naming the path: it is no checkpoint, a part is
  ///         missing, or there are no averages
  CheckpointTensors(std::filesystem::path path, CheckpointWeights weights);

  const std::filesystem::path& path() const { return path_; }

  /// Returns the tensor under the state's name or one of its aliases.
  /// throws  Error(Input): there is none, or it has another type or other sizes
  const TensorView& find(const SourceState& state) const;

  /// Whether the checkpoint has or must have the state. It has constants and
  /// transient buffers where the graph writes them.
  bool replaces(const SourceState& state) const;

 private:
  void use_averages();
  const TensorView* try_find(const SourceState& state) const;
  const TensorView* try_find(const std::string& name) const;

  std::filesystem::path path_;
  std::vector<SafetensorsReader> parts_;
  std::map<std::string, const TensorView*> tensors_;
};

}  // namespace pp
