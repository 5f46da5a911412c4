#pragma once

#include <cmath>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "runtime/data/data_loader.h"
#include "runtime/observe/step_report.h"
#include "runtime/pipeline/executor.h"
#include "runtime/pipeline/loss_function.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/mesh.h"

namespace pp {

/// Returns the options of a loader for the data of `[eval]`.
///
/// options  options of the loader for the training data, see
///          training_loader_options()
DataLoaderOptions evaluation_loader_options(
    const Plan& plan, DataLoaderOptions options);

/// Sums over the rows of the evaluation.
struct EvaluationSums {
  double sum = 0;     ///< of the weighted losses
  double weight = 0;  ///< of their weights
  /// Sum of the results of count_classes(), on the rank's device; undefined: 0.
  at::Tensor counts = {};
  int64_t bad_batch = -1;  ///< the first whose loss isn't finite; -1: none

  /// Adds a batch's loss.
  void add(double loss, double batch_weight, int64_t batch) {
    // The loss of a batch of weight 0 is a sum: see LossFunction::value().
    sum += loss * (batch_weight > 0 ? batch_weight : 1);
    note_bad(std::isfinite(loss) ? -1 : batch);
  }
  void note_bad(int64_t batch) {
    if (batch >= 0 && (bad_batch < 0 || batch < bad_batch)) {
      bad_batch = batch;
    }
  }
  void add_counts(const at::Tensor& more) {
    counts = counts.defined() ? counts.add(more) : more;
  }
};

/// One rank's part of `[eval]`: forwards in eval mode over the evaluation
/// data.
class Evaluation {
 public:
  /// plan, ranks, stages  must outlive this object
  /// options              options of the loader for the training data, see
  ///                      training_loader_options()
  /// throws               what DataLoader throws
  Evaluation(
      const Plan& plan,
      MeshRank& ranks,
      RankStages& stages,
      DataLoaderOptions options);

  struct Result {
    double loss = 0;  ///< mean over all rows; NaN if every target is ignored
    std::vector<MetricValue> metrics = {};  ///< those of `eval.metrics`
    std::string problem = {};  ///< why the loss isn't a number, or empty
    /// Whether a request to stop ended the evaluation early, so that it has no
    /// loss. Set on all ranks.
    bool ended_early = false;
  };
  /// If padding rows fill the last microbatch, checks that the loss doesn't
  /// depend on them. run() does so, too, but this call can report such a loss
  /// before the training, not hours later. All ranks call it together.
  /// throws  what try_padding() throws
  void check_padding();
  /// Evaluates the model in its current state and leaves the state unchanged:
  /// buffers that a graph writes even in eval mode get their previous values
  /// back. Returns the result on rank 0, and an empty result on the other
  /// ranks. All ranks call it together.
  ///
  /// stop    a request to end early, which any rank may get
  /// throws  what check_padding() throws
  Result run(const std::stop_token& stop);

 private:
  LossFunction make_loss_function() const;
  void try_rows(const LossFunction& loss);
  /// Whether metrics besides the loss are computed.
  bool counts_classes() const;
  Result result_of(const EvaluationSums& total) const;
  std::vector<MetricValue> metrics_of(const at::Tensor& counts) const;

  const Plan& plan_;
  MeshRank& ranks_;
  RankStages& stages_;
  DataLoaderOptions options_;
  DataLoader data_;
  Executor executor_;
};

}  // namespace pp
