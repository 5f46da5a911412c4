#pragma once

#include <string>

#include "runtime/data/data_loader.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/mesh.h"

namespace pp {

/// One rank's part of `[eval]`: forwards in eval mode over the evaluation
/// data.
class Evaluation {
 public:
  /// plan, ranks, stages  must outlive this
  /// options              as for the training data
  /// throws               as DataLoader does
  Evaluation(
      const Plan& plan,
      MeshRank& ranks,
      RankStages& stages,
      DataLoaderOptions options);

  struct Result {
    double loss = 0;      ///< the mean over all rows; NaN if no target counts
    std::string problem;  ///< why the loss isn't a number, or empty
  };
  /// Evaluates the model in its current state, and leaves it as it was: buffers
  /// that a graph writes even in eval mode get their values back. The result is
  /// rank 0's, and empty on the others. All ranks call it together.
  Result run();

 private:
  const Plan& plan_;
  MeshRank& ranks_;
  RankStages& stages_;
  DataLoader data_;
  Executor executor_;
};

}  // namespace pp
