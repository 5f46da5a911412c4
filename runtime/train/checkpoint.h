#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "loader/archive/checkpoint_state.h"
#include "loader/archive/safetensors.h"

namespace pp {

// Writing. Ranks that see one folder (`<output>/checkpoints`) write into it
// together, and one of them leads; hosts that share none have a leader each.
// The caller sees to it that no part is written before begin, that all parts of
// the job are before commit, and that every leader has committed before one
// prunes: until then the checkpoint before may be the newest that is whole.
//
//   leader: begin_checkpoint(folder, step)
//   each:   write_checkpoint_part(folder, step, stage, tensors)   (per stage)
//   leader: commit_checkpoint(folder, content, here)
//   leader: prune_checkpoints(folder, step, keep)
//
// Until commit has renamed `.step_N.tmp` to `step_N` there is no checkpoint in
// that folder; one that exists has all of the folder's parts.

/// Makes an empty `.step_N.tmp`, removing what interrupted runs left behind.
/// throws  Error(Runtime) naming the path and the system's reason
void begin_checkpoint(const std::filesystem::path& folder, int64_t step);

/// Writes `part_K.safetensors`: parameters, buffers and optimizer state by
/// name. A tensor that several stages hold goes into one part only.
/// returns what state.json is to say of it, but the host
/// throws  Error(Runtime) naming the path and the system's reason
CheckpointPart write_checkpoint_part(
    const std::filesystem::path& folder,
    int64_t step,
    int part,
    const std::map<std::string, at::Tensor>& tensors);

/// Writes `state.json` and renames the folder into place.
///
/// content  of the whole job: its bytes are the same in every folder
/// here     the parts that this folder must have
/// returns  the folder `step_N`
/// throws   Error(Runtime) naming the path; a part of `here` is not there
std::filesystem::path commit_checkpoint(
    const std::filesystem::path& folder,
    const CheckpointContent& content,
    const std::set<std::string>& here);

/// Removes the oldest checkpoints up to this step so that `keep` stay (0: all).
/// Later ones belong to another run and are left alone.
void prune_checkpoints(
    const std::filesystem::path& folder, int64_t step, int keep);

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

/// How closely files are looked at: Full reads every byte to compare the
/// hashes, Quick compares the sizes.
enum class Verify { Full, Quick };

/// throws  Error(Input) naming the file: missing, damaged
void check_part(
    const std::filesystem::path& folder,
    const CheckpointPart& part,
    Verify verify);

/// A checkpoint, whatever split, schedule and number of ranks wrote it.
class CheckpointReader {
 public:
  /// path    the folder `step_N`
  /// throws  Error(Input) naming the file: missing, damaged, made by a newer
  ///         version; a tensor that is in two parts with different content
  explicit CheckpointReader(
      const std::filesystem::path& path, Verify verify = Verify::Full);
  /// Of these parts only, which were looked at before.
  /// parts   the files' names
  CheckpointReader(
      const std::filesystem::path& path,
      CheckpointState state,
      const std::vector<std::string>& parts);

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
  void add_part(const std::string& file);

  std::filesystem::path path_;
  CheckpointState state_;
  std::vector<std::unique_ptr<SafetensorsReader>> parts_;
  std::map<std::string, Entry> entries_;
};

}  // namespace pp
