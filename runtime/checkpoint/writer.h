#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <ATen/core/Tensor.h>

#include "loader/archive/checkpoint_state.h"

namespace pp {

// How a checkpoint is written. Ranks that see one folder
// (`<output>/checkpoints`) write into it together, and one of them leads it;
// hosts that share no folder have a leader each.
//
//   leader: begin_checkpoint(folder, step)
//   each:   write_checkpoint_part(folder, step, stage, tensors)   (per stage)
//   leader: commit_checkpoint(folder, content, here)
//   leader: prune_checkpoints(folder, step, keep)
//
// The caller orders these calls over ranks: begin comes before any part of the
// folder, all parts of the job before commit, and all leaders' commits before
// the first prune, since until then the previous checkpoint may be the newest
// whole one.
//
// There is no checkpoint before commit has renamed `.step_N.tmp` to `step_N`;
// one that exists has all of the folder's parts.

/// Makes an empty `.step_N.tmp` and removes those of interrupted runs.
/// throws  Error(Runtime) naming the path and the system's reason
void begin_checkpoint(const std::filesystem::path& folder, int64_t step);

/// Writes `part_K.safetensors`: parameters, buffers and optimizer state by
/// name. A tensor that several stages hold belongs in one part only.
///
/// returns the part's entry in state.json, without the host
/// throws  Error(Runtime) naming the path and the system's reason
CheckpointPart write_checkpoint_part(
    const std::filesystem::path& folder,
    int64_t step,
    int part,
    const std::map<std::string, at::Tensor>& tensors);

/// Writes `state.json` and renames the folder into place.
///
/// content  describes the parts of the whole job: the file has the same bytes
///          in every folder
/// here     the parts that this folder must have
/// returns  the folder `step_N`
/// throws   Error(Runtime) naming the path; a part of `here` is missing
std::filesystem::path commit_checkpoint(
    const std::filesystem::path& folder,
    const CheckpointContent& content,
    const std::set<std::string>& here);

/// Removes the oldest checkpoints up to this step so that `keep` remain (0:
/// all). Later ones belong to another run and are left alone.
///
/// first_bad  the first step after which the weights held NaN or infinity. The
///            newest checkpoint before it is among those that remain, unless
///            `keep` is 1
void prune_checkpoints(
    const std::filesystem::path& folder,
    int64_t step,
    int keep,
    std::optional<int64_t> first_bad = {});

}  // namespace pp
