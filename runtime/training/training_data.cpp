#include "runtime/training/training_data.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "loader/core/count_text.h"
#include "loader/core/error.h"

namespace pp {

TrainingData::TrainingData(const Plan& plan, const DataLoaderOptions& options)
    : train_(*plan.train),
      batch_size_(plan.data.batch_size),
      loader_(plan.data, options) {
  prefetch_.emplace(
      [this](int64_t batch) { return loader_.step(batch); }, num_batches());
}

/// Number of batches in the whole run.
int64_t TrainingData::num_batches() const {
  return train_.steps ? *train_.steps * train_.accumulate
                      : *train_.epochs * loader_.steps_per_epoch();
}

int64_t TrainingData::num_updates(const Log& log) const {
  if (train_.steps) {
    return *train_.steps;
  }
  const int64_t batches = num_batches();
  const int64_t per_update = train_.accumulate;
  if (batches < per_update) {
    throw usage_error(
        "train.accumulate is " + std::to_string(per_update) +
        ", but the run has " + count_text(batches, "batch", "batches") +
        "; set it to at most " + std::to_string(batches));
  }
  if (batches % per_update != 0) {
    log.warning(
        count_text(batches % per_update, "batch", "batches") +
        " at the end of the run don't fill a whole update (train.accumulate "
        "= " +
        std::to_string(per_update) + ") and are left out");
  }
  return batches / per_update;
}

StepData TrainingData::read(int64_t step, RankDevice* device) {
  const int64_t per_update = train_.accumulate;
  std::vector<Microbatch> all;
  for (int64_t i = 0; i < per_update; ++i) {
    for (Microbatch& microbatch : prefetch_->take(step * per_update + i)) {
      microbatch.index = static_cast<int>(all.size());
      all.push_back(std::move(microbatch));
    }
  }
  return StepData(std::move(all), device);
}

std::vector<int64_t> TrainingData::rows(int64_t step) const {
  const int64_t per_update = train_.accumulate;
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < per_update; ++i) {
    std::ranges::copy(
        loader_.rows(step * per_update + i), std::back_inserter(rows));
  }
  return rows;
}

TrainingData::Position TrainingData::position_after(int64_t num_updates) const {
  const int64_t batches = num_updates * train_.accumulate;
  const int64_t per_epoch = loader_.steps_per_epoch();
  return {batches / per_epoch, batches % per_epoch * batch_size_};
}

DataLoaderOptions training_loader_options(
    const Plan& plan, const MeshRank& ranks, const RankStages& stages) {
  DataLoaderOptions options;
  options.plan = plan.batch;
  options.inputs = plan.inputs;
  options.guards = plan.source.manifest.guards;
  options.wanted = stages.user_inputs();
  options.wants_target =
      owns_last_stage(plan.train_schedule.stage_to_rank, ranks.pipeline.rank);
  options.seed = plan.seed;
  options.replica = ranks.replicas.rank;
  options.log = ranks.world.rank == 0 ? ranks.world.log : Log(LogLevel::Error);
  return options;
}

}  // namespace pp
