#pragma once

#include <filesystem>

#include "runtime/pipeline/rank_stages.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// Loads parameters and buffers, but no optimizer state, from the checkpoint
/// that `model.checkpoint` names. All ranks call it together.
///
/// throws  what open_checkpoint() throws; Error(Input): the checkpoint belongs
///         to another model
void load_weights(
    RankContext& context,
    const std::filesystem::path& path,
    RankStages& stages);

}  // namespace pp
