#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/job/job.h"
#include "runtime/observe/step_report.h"

namespace pp {

/// Follows one number of a run's evaluations: its best value, and how long ago
/// that was.
class BestEvaluation {
 public:
  /// min_delta  a value is better than the best one only if it is better by
  ///            more than this
  explicit BestEvaluation(EvalMetric metric, double min_delta = 0)
      : metric_(metric), min_delta_(min_delta) {}

  /// Adds an evaluation. Returns whether it is the best one so far; NaN never
  /// is. One without the metric doesn't count: an earlier run may have had
  /// other metrics.
  bool add(const EvalReport& report);

  /// The number of updates before the best evaluation; nullopt if there is
  /// none.
  std::optional<int64_t> step() const { return step_; }
  /// The number of evaluations since the best one.
  int64_t num_since() const { return num_since_; }
  /// Returns a description: "loss was best at step 40, 2.1034".
  std::string text() const;

 private:
  EvalMetric metric_;
  double min_delta_;
  std::optional<int64_t> step_;
  double best_ = 0;
  int64_t num_since_ = 0;
};

/// Decides after each evaluation whether its checkpoint is the best one and
/// whether the training ends early. Lives on rank 0.
class EvaluationFollower {
 public:
  EvaluationFollower(
      const std::optional<EarlyStop>& early_stop,
      const std::optional<EvalMetric>& keep_best);

  /// Adds an evaluation. Returns whether its checkpoint is the best one, if the
  /// job asks for the best one.
  ///
  /// can_be_best  whether there is a checkpoint of its step or may yet be one
  bool add(const EvalReport& report, bool can_be_best = true);

  /// The step of the best checkpoint; nullopt if the job doesn't ask for it, or
  /// there is none yet.
  std::optional<int64_t> best_step() const;
  /// Why the training ends early; empty if it doesn't.
  std::string stop_text() const;

 private:
  int64_t patience_;
  std::optional<BestEvaluation> early_stop_;
  std::optional<BestEvaluation> keep_best_;
};

}  // namespace pp
