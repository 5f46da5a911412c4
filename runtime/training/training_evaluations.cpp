#include "runtime/training/training_evaluations.h"

#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "loader/archive/mapping_table.h"
#include "loader/core/seconds_since.h"
#include "runtime/checkpoint/folder.h"
#include "runtime/checkpoint/resume.h"
#include "runtime/rank/collectives.h"
#include "runtime/rank/from_rank.h"
#include "runtime/training/training_data.h"

namespace pp {

TrainingEvaluations::TrainingEvaluations(
    const Plan& plan,
    MeshRank& ranks,
    RankStages& stages,
    Updates& updates,
    RunTrace& trace,
    std::stop_token stop)
    : plan_(plan),
      ranks_(ranks),
      updates_(updates),
      trace_(trace),
      stop_(std::move(stop)),
      evaluation_(
          plan, ranks, stages, training_loader_options(plan, ranks, stages)),
      follower_(plan.train->early_stop, plan.output.keep_best) {}

bool TrainingEvaluations::are_due(int64_t done, int64_t num_steps) const {
  const std::optional<int64_t>& every = plan_.eval->every;
  return done == num_steps || (every && done % *every == 0);
}

std::optional<EvalReport> TrainingEvaluations::run(int64_t done) {
  const auto start = std::chrono::steady_clock::now();
  trace_.begin("evaluate");
  updates_.use_averages();
  const Evaluation::Result result = evaluation_.run(stop_);
  updates_.use_parameters();
  trace_.end();
  if (result.ended_early) {
    return std::nullopt;
  }
  const Log& log = ranks_.world.log;
  check_mapped_files(log);
  if (!result.problem.empty()) {
    log.warning(
        "evaluation at step " + std::to_string(done) + ": " + result.problem);
  }
  return EvalReport{done, result.loss, seconds_since(start), result.metrics};
}

TrainingEvaluations::Verdict TrainingEvaluations::judge(
    const EvalReport& report) {
  Verdict verdict;
  if (ranks_.world.rank == 0) {
    verdict.is_best = follower_.add(report);
    verdict.ends_training = !stop_text().empty();
  }
  // Jobs that ask for neither need no message.
  verdict.is_best = plan_.output.keep_best && tell(verdict.is_best);
  verdict.ends_training =
      plan_.train->early_stop && tell(verdict.ends_training);
  return verdict;
}

TrainingEvaluations::Resumed TrainingEvaluations::resume(
    const std::vector<EvalReport>& earlier, int64_t done, int64_t num_steps) {
  Resumed resumed;
  resumed.is_missing = are_due(done, num_steps);
  std::string best;
  for (const EvalReport& report : earlier) {
    follower_.add(report, has_checkpoint(report.step));
    resumed.is_missing = resumed.is_missing && report.step != done;
  }
  if (const auto step = best_of_earlier(done)) {
    best = std::to_string(*step);
  }
  resumed.is_missing = tell(resumed.is_missing);
  resumed.ends_training =
      plan_.train->early_stop && done < num_steps && tell(!stop_text().empty());
  best = plan_.output.keep_best ? broadcast_text(ranks_.world, best) : "";
  if (!best.empty()) {
    resumed.best_step = number_from_rank(best, 0, "the best step", 0, done);
  }
  return resumed;
}

/// On rank 0, returns the step of the best checkpoint of the run that this one
/// continues. Without its metrics the link to it is all that is left.
std::optional<int64_t> TrainingEvaluations::best_of_earlier(
    int64_t done) const {
  const std::optional<int64_t> best = follower_.best_step();
  if (best || ranks_.world.rank != 0 || !plan_.output.keep_best) {
    return best;
  }
  const auto linked = linked_best(checkpoint_folder(plan_.output));
  if (!linked || *linked > done) {
    return std::nullopt;
  }
  ranks_.world.log.warning(
      "no evaluation of the earlier run has the " +
      std::string(enum_name(*plan_.output.keep_best)) + " of step_" +
      std::to_string(*linked) +
      ", to which checkpoints/best links; it stays the best checkpoint until "
      "the next evaluation");
  return linked;
}

/// Whether this rank's folder has the checkpoint of a step: `keep` may have
/// removed it, or the evaluation had none.
bool TrainingEvaluations::has_checkpoint(int64_t step) const {
  std::error_code ignored;
  return std::filesystem::is_directory(
      checkpoint_path(checkpoint_folder(plan_.output), step), ignored);
}

/// Returns on all ranks what rank 0 says.
bool TrainingEvaluations::tell(bool yes) {
  return !broadcast_text(ranks_.world, yes ? "yes" : "").empty();
}

}  // namespace pp
