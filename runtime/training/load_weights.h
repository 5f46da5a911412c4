#pragma once

#include <filesystem>

#include "runtime/pipeline/rank_stages.h"
#include "runtime/rank/rank_context.h"

namespace pp {

/// Loads only parameters and buffers from a checkpoint (`model.checkpoint`).
/// All ranks call it together.
/// throws  as open_checkpoint; Error(Input): the checkpoint of another model
void load_weights(
    RankContext& context,
    const std::filesystem::path& path,
    RankStages& stages);

}  // namespace pp
