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

// Writes a checkpoint. Ranks that see one folder (`<output>/checkpoints`) write
// into it together, and one of them leads it; hosts that share no folder have a
// leader each.
//
//   leader: begin_checkpoint(folder, step)
//   each:   write_checkpoint_part(folder, step, stage, tensors)   (per stage)
//   leader: commit_checkpoint(folder, content, here)
//   leader: prune_checkpoints(folder, step, keep)
//
// The caller orders these calls over the ranks: begin comes before any part of
// the folder, all parts of the job before any commit, and all leaders' commits
// before the first prune. Until then the previous checkpoint may be the newest
// complete one.
//
// A checkpoint exists once commit has renamed `.step_N.tmp` to `step_N`, and
// then has all of the folder's parts.

/// Makes an empty folder `.step_N.tmp`, and removes all other `.step_*.tmp`,
/// which interrupted runs left.
/// throws  Error(Runtime) naming the path and the system's reason
void begin_checkpoint(const std::filesystem::path& folder, int64_t step);

/// Writes tensors to a `.safetensors` file, with their values on the CPU.
/// throws  what write_safetensors() throws
void write_tensors(
    const std::filesystem::path& path,
    const std::map<std::string, at::Tensor>& tensors);

/// Writes `part_K.safetensors`: parameters, buffers and optimizer state by
/// name. A tensor that several stages hold belongs in one part only.
///
/// returns  the part's entry in state.json, without the host
/// throws   Error(Runtime) naming the path and the system's reason
CheckpointPart write_checkpoint_part(
    const std::filesystem::path& folder,
    int64_t step,
    int part,
    const std::map<std::string, at::Tensor>& tensors);

/// Writes `state.json` and renames the folder into place.
///
/// content  describes the parts of the whole job, so that state.json has the
///          same bytes in every folder
/// here     the parts that this folder must have
/// returns  the path of the folder `step_N`
/// throws   Error(Runtime) naming the path: it can't be written, or a part of
///          `here` is missing
std::filesystem::path commit_checkpoint(
    const std::filesystem::path& folder,
    const CheckpointContent& content,
    const std::set<std::string>& here);

/// Removes the oldest of the checkpoints up to `step`, so that `keep` of them
/// remain (0: all). Checkpoints of later steps belong to another run and are
/// not touched.
///
/// first_bad  the first step after which the weights held NaN or infinity;
///            nullopt: none. The newest checkpoint before this step is among
///            those that remain, unless `keep` is 1
/// best       the step of the best checkpoint, which remains besides; nullopt:
///            none is to remain
void prune_checkpoints(
    const std::filesystem::path& folder,
    int64_t step,
    int keep,
    std::optional<int64_t> first_bad = {},
    std::optional<int64_t> best = {});

}  // namespace pp
