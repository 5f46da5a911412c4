#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/observe/step_report.h"
#include "runtime/pipeline/rank_stages.h"
#include "runtime/pipeline/run_trace.h"
#include "runtime/plan/plan.h"
#include "runtime/rank/mesh.h"
#include "runtime/training/best_evaluation.h"
#include "runtime/training/evaluation.h"
#include "runtime/training/updates.h"

namespace pp {

/// The evaluations of one training run: when they are due, their results, and
/// what follows from the results. All ranks call the functions together, unless
/// they say otherwise.
class TrainingEvaluations {
 public:
  /// The arguments must outlive this object.
  ///
  /// stop  a request to end an evaluation early, which any rank may get
  TrainingEvaluations(
      const Plan& plan,
      MeshRank& ranks,
      RankStages& stages,
      Updates& updates,
      RunTrace& trace,
      std::stop_token stop);

  /// See Evaluation::check_padding().
  void check_padding() { evaluation_.check_padding(); }

  /// Whether the job evaluates after `done` of `num_steps` updates. Any rank
  /// may call it alone.
  bool are_due(int64_t done, int64_t num_steps) const;

  /// Evaluates after `done` updates, with the moving averages of the parameters
  /// if the job keeps them. The report is complete on rank 0; nullopt
  /// on all ranks after a request to stop. An evaluation changes nothing, so
  /// one that gives no number is no reason to end a run.
  std::optional<EvalReport> run(int64_t done);

  /// The consequences of an evaluation.
  struct Verdict {
    bool is_best = false;        ///< keep its checkpoint as the best one
    bool ends_training = false;  ///< see stop_text()
  };
  /// Judges the result of run().
  Verdict judge(const EvalReport& report);

  /// The consequences of the evaluations of the run that this one continues.
  struct Resumed {
    bool is_missing = false;  ///< the last one that was due has no result
    bool ends_training = false;
    std::optional<int64_t> best_step = {};
  };
  /// Takes up the evaluations of the run that this one continues.
  ///
  /// earlier  on rank 0: their results
  /// done     number of updates of that run
  Resumed resume(
      const std::vector<EvalReport>& earlier, int64_t done, int64_t num_steps);

  /// On rank 0: why the training ends early; empty if it doesn't.
  std::string stop_text() const { return follower_.stop_text(); }

 private:
  std::optional<int64_t> best_of_earlier(int64_t done) const;
  bool has_checkpoint(int64_t step) const;
  bool tell(bool yes);

  const Plan& plan_;
  MeshRank& ranks_;
  Updates& updates_;
  RunTrace& trace_;
  std::stop_token stop_;
  Evaluation evaluation_;
  EvaluationFollower follower_;  ///< used on rank 0
};

}  // namespace pp
