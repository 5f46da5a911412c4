#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "loader/archive/checkpoint_state.h"
#include "loader/archive/safetensors.h"

namespace pp {

/// How thoroughly to check files: Full compares the hashes, which reads every
/// byte; Quick compares only the sizes.
enum class Verify { Full, Quick };

/// Checks that a part of a checkpoint is present and undamaged.
/// throws  Error(Input) naming the file: it is missing or damaged
void check_part(
    const std::filesystem::path& folder,
    const CheckpointPart& part,
    Verify verify);

/// Reads a checkpoint in one folder, whatever split, schedule and number of
/// ranks wrote it.
class CheckpointReader {
 public:
  /// path    the folder `step_N`
  /// throws  Error(Input) naming the file: it is missing, damaged or made by a
  ///         newer version, or a tensor is in two parts with different content
  explicit CheckpointReader(
      const std::filesystem::path& path, Verify verify = Verify::Full);
  /// Opens some parts of a checkpoint. The caller must have checked them.
  ///
  /// parts   the file names of the parts
  CheckpointReader(
      std::filesystem::path path,
      CheckpointState state,
      const std::vector<std::string>& parts);

  const std::filesystem::path& path() const { return path_; }
  const CheckpointState& state() const { return state_; }
  std::vector<std::string> names() const;

  /// Returns a tensor in the mapped file, which stays mapped as long as the
  /// tensor lives. The tensor must not be written. Undefined if there is no
  /// such tensor.
  at::Tensor try_find(const std::string& name) const;
  /// Does what try_find() does, for a tensor that must exist.
  /// throws  Error(Input): there is no such tensor (suggests the nearest names)
  at::Tensor find(const std::string& name) const;
  /// Copies a tensor to `destination`, which may have any strides.
  /// throws  Error(Input): there is no such tensor, or it has a different shape
  ///         or dtype
  void copy_to(const std::string& name, const at::Tensor& destination) const;

 private:
  struct Entry {
    TensorView view;
    size_t part = 0;
  };
  void add_part(const std::string& file);

  std::filesystem::path path_;
  CheckpointState state_;
  std::vector<std::unique_ptr<SafetensorsReader>> parts_;
  std::map<std::string, Entry> entries_;
};

}  // namespace pp
