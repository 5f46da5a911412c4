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

/// Reads the rows of a job's updates that this rank needs. One update uses
/// `train.accumulate` batches of the data as if they were one batch. While a
/// step runs, a thread reads the next batch.
class TrainingData {
 public:
  /// A place in the data, as a checkpoint records it.
  struct Position {
    int64_t epoch = 0;   ///< completed passes over the data
    int64_t sample = 0;  ///< samples of the current pass that are used up
  };

  /// plan    must outlive this object
  /// throws  what DataLoader throws
  TrainingData(const Plan& plan, const DataLoaderOptions& options);
  TrainingData(const TrainingData&) = delete;
  TrainingData& operator=(const TrainingData&) = delete;

  /// Returns the number of updates in the whole run. Warns about batches at the
  /// end of the run that don't fill a whole update.
  /// throws  Error(Usage): there are not enough batches for one update
  int64_t num_updates(const Log& log) const;

  /// Returns the microbatches of update `step` on `device` (null: on the CPU).
  StepData read(int64_t step, RankDevice* device);
  /// Returns the row numbers of update `step`, in the order of read().
  std::vector<int64_t> rows(int64_t step) const;
  Position position_after(int64_t num_updates) const;
  /// Returns a text that describes the order of the data. Ranks that use the
  /// data in the same order have the same text.
  std::string order_text() const { return loader_.order_text(); }

  /// Ends the thread that reads ahead. read() must not be called after that.
  void stop() { prefetch_.reset(); }

 private:
  int64_t num_batches() const;

  const TrainConfig& train_;
  int64_t batch_size_;
  DataLoader loader_;
  std::optional<Prefetch> prefetch_;
};

/// Returns the options of a loader for the data that a rank needs: the inputs
/// of its stages and, if it owns the last stage, the target. On rank 0 the
/// loader logs notices.
DataLoaderOptions training_loader_options(
    const Plan& plan, const MeshRank& ranks, const RankStages& stages);

}  // namespace pp
