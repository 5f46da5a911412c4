#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/data/data_loader.h"
#include "runtime/data/prefetch.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/pipeline/step_data.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/mesh.h"

namespace pp {

/// The rows that this rank reads for a job's updates. One update uses
/// `train.accumulate` batches of the data as if they were one. The next
/// batch is read on a thread while a step runs.
class TrainingData {
 public:
  /// A place in the data, as a checkpoint records it.
  struct Position {
    int64_t epoch = 0;   ///< complete passes over the data
    int64_t sample = 0;  ///< samples used of the current pass
  };

  /// plan    must outlive this
  /// throws  as DataLoader does
  TrainingData(const Plan& plan, const DataLoaderOptions& options);
  TrainingData(const TrainingData&) = delete;
  TrainingData& operator=(const TrainingData&) = delete;

  /// Number of updates in the whole run. Warns about batches at the end of the
  /// run that don't fill a whole update.
  /// throws  Error(Usage): there are not enough batches for one update
  int64_t num_updates(const Log& log) const;

  /// The microbatches of an update, on `device` (null: the CPU).
  StepData read(int64_t step, RankDevice* device);
  /// The row numbers of an update, in the order of read().
  std::vector<int64_t> rows(int64_t step) const;
  Position position_after(int64_t num_updates) const;
  /// Describes the order of the data. It is equal on two ranks if their orders
  /// are.
  std::string order_text() const { return loader_.order_text(); }

  /// Ends the thread that reads ahead. Nothing can be read after that.
  void stop() { prefetch_.reset(); }

 private:
  int64_t num_batches() const;

  const TrainConfig& train_;
  int64_t batch_size_;
  DataLoader loader_;
  std::optional<Prefetch> prefetch_;
};

/// Options for a loader that reads what a rank needs: the inputs of its stages,
/// and the target where it runs the last stage. The job's rank 0 logs notices.
DataLoaderOptions training_loader_options(
    const Plan& plan, const MeshRank& ranks, const RankStages& stages);

}  // namespace pp
