#pragma once

#include <filesystem>
#include <optional>

#include "runtime/checkpoint/job_checkpoint.h"
#include "runtime/checkpoint/resume.h"
#include "runtime/checkpoint/shared_folder.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// Finds the checkpoint to continue from: the newest one whose parts are all
/// present and undamaged in the folders of the job's ranks. Returns nullopt if
/// the run starts anew. Rank 0 warns about newer checkpoints that are skipped.
/// Rank 0's `point` applies to all ranks, because torchrun's agents each count
/// their own restarts. All ranks call it together.
///
/// folder   this rank's `<output.dir>/checkpoints`
/// sharing  which ranks see the same folder
/// throws   Error(Input): a checkpoint is required but there is none, or every
///          checkpoint has lost parts (names the hosts that saved them)
std::optional<JobCheckpoint> find_checkpoint_to_resume(
    RankContext& context,
    const std::filesystem::path& folder,
    const FolderSharing& sharing,
    const ResumePoint& point);

}  // namespace pp
