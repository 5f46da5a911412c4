#pragma once

#include <filesystem>
#include <optional>

#include "runtime/launch/rank_context.h"
#include "runtime/run/job_checkpoint.h"
#include "runtime/run/resume.h"
#include "runtime/run/shared_folder.h"

namespace pp {

/// The newest checkpoint to go on from: the newest whose parts, undamaged, all
/// lie in the folders of the job's ranks. None: the run starts anew. What it
/// passes over it says in a warning on rank 0, whose `point` holds: torchrun's
/// agents count restarts each for itself. All ranks call it together.
///
/// folder   `<output.dir>/checkpoints` of this rank
/// sharing  who sees the same one
/// throws   Error(Input) where there must be one, and where there is none only
///          because parts are gone that there were: with the hosts that saved
///          them
std::optional<JobCheckpoint> checkpoint_to_resume(
    RankContext& context,
    const std::filesystem::path& folder,
    const FolderSharing& sharing,
    const ResumePoint& point);

}  // namespace pp
