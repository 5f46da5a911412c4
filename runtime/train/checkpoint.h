#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "loader/archive/safetensors.h"

namespace pp {

/// Everything but tensors: `state.json`.
struct CheckpointState {
  int64_t step = 0;           ///< updates done
  int64_t epoch = 0;          ///< passes over the data begun before this one
  int64_t data_position = 0;  ///< samples taken of the epoch
  uint64_t seed = 0;
  std::map<std::string, std::string> job;  ///< a summary for people
};

// Writing. All ranks see one folder (`<output>/checkpoints`). The caller sees to
// it that no part is written before begin, and that all are before commit:
//
//   rank 0: begin_checkpoint(folder, step)
//   each:   write_checkpoint_part(folder, step, stage, tensors)   (per stage)
//   rank 0: commit_checkpoint(folder, state, num_parts, keep)
//
// Until commit has renamed `.step_N.tmp` to `step_N` there is no checkpoint;
// one that exists is whole.

/// Makes an empty `.step_N.tmp`, removing what interrupted runs left behind.
/// throws  Error(Runtime) naming the path and the system's reason
void begin_checkpoint(const std::filesystem::path& folder, int64_t step);

/// Writes `part_K.safetensors`: parameters, buffers and optimizer state by
/// name. A tensor that several stages hold goes into one part only.
/// throws  Error(Runtime) naming the path and the system's reason
void write_checkpoint_part(
    const std::filesystem::path& folder,
    int64_t step,
    int part,
    const std::map<std::string, at::Tensor>& tensors);

/// Hashes the parts, writes `state.json`, renames the folder into place and
/// then removes the oldest up to this step so that `keep` stay (0: all).
/// returns the folder `step_N`
/// throws  Error(Runtime) naming the path; a missing part
std::filesystem::path commit_checkpoint(
    const std::filesystem::path& folder,
    const CheckpointState& state,
    int num_parts,
    int keep);

/// The `step_N` in a folder by ascending N; none if there is no such folder.
std::vector<std::filesystem::path> list_checkpoints(
    const std::filesystem::path& folder);

/// Renames a folder with checkpoints to `folder.1`, so that another run's are
/// not mixed with them; what had that name becomes `folder.2`, and so on. Of
/// these, `keep` stay (0: all): the checkpoints of older runs are removed.
/// returns the new name; nothing if there is no checkpoint in the folder
/// throws  Error(Runtime) naming the path and the system's reason
std::optional<std::filesystem::path> set_aside_checkpoints(
    const std::filesystem::path& folder, int keep);

struct NewestCheckpoint {
  std::optional<std::filesystem::path> path;  ///< none: no valid one
  std::vector<std::string> warnings;  ///< one a broken checkpoint passed over
};

/// The newest checkpoint whose parts have the recorded sizes and hashes. Reads
/// that checkpoint in full; so rank 0 does it, and tells the others the path.
NewestCheckpoint find_newest_checkpoint(const std::filesystem::path& folder);

/// A checkpoint, whatever split, schedule and number of ranks wrote it.
class CheckpointReader {
 public:
  /// Full reads every byte to compare the hashes, Quick compares the sizes.
  enum class Verify { Full, Quick };

  /// path    the folder `step_N`
  /// throws  Error(Input) naming the file: missing, damaged, made by a newer
  ///         version; a tensor that is in two parts with different content
  explicit CheckpointReader(
      const std::filesystem::path& path, Verify verify = Verify::Full);

  const std::filesystem::path& path() const { return path_; }
  const CheckpointState& state() const { return state_; }
  std::vector<std::string> names() const;

  /// The tensor as it lies in the mapped file: read only, copy from it. Keeps
  /// the mapping alive. Undefined if there is no such tensor.
  at::Tensor try_find(const std::string& name) const;
  /// throws  Error(Input), offering the nearest names
  at::Tensor find(const std::string& name) const;
  /// Copies into `into`, whatever its strides.
  /// throws  Error(Input): missing, or of another shape or dtype
  void copy_to(const std::string& name, const at::Tensor& into) const;

 private:
  struct Entry {
    TensorView view;
    size_t part = 0;
  };

  std::filesystem::path path_;
  CheckpointState state_;
  std::vector<std::unique_ptr<SafetensorsReader>> parts_;
  std::map<std::string, Entry> entries_;
};

}  // namespace pp
