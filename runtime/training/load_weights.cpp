#include "runtime/training/load_weights.h"

#include "runtime/checkpoint/job_checkpoint.h"

namespace pp {

void load_weights(
    RankContext& context,
    const std::filesystem::path& path,
    RankStages& stages) {
  JobCheckpoint checkpoint = open_checkpoint(context, path);
  stages.load(checkpoint.lookup(stages.saved_fqns()), path.string());
}

}  // namespace pp
