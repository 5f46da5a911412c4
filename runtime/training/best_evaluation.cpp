#include "runtime/training/best_evaluation.h"

#include <algorithm>
#include <cmath>

#include "loader/core/count_text.h"
#include "runtime/observe/progress_format.h"

namespace pp {

namespace {

/// nullopt if the report lacks the metric, as an earlier run's may.
std::optional<double> metric_in(const EvalReport& report, EvalMetric metric) {
  if (metric == EvalMetric::Loss) {
    return report.loss;
  }
  const auto found =
      std::ranges::find(report.metrics, enum_name(metric), &MetricValue::name);
  return found == report.metrics.end() ? std::nullopt
                                       : std::optional(found->value);
}

}  // namespace

bool BestEvaluation::add(const EvalReport& report) {
  const std::optional<double> value = metric_in(report, metric_);
  if (!value) {
    return false;
  }
  const double gain = eval_metric_row(metric_).higher_is_better
                          ? *value - best_
                          : best_ - *value;
  // Infinities have no difference, and the first number beats none at all.
  const bool is_better = std::isfinite(*value) && (!step_ || gain > min_delta_);
  if (!is_better) {
    ++num_since_;
    return false;
  }
  best_ = *value;
  step_ = report.step;
  num_since_ = 0;
  return true;
}

std::string BestEvaluation::text() const {
  const std::string name(enum_name(metric_));
  return step_ ? name + " was best at step " + std::to_string(*step_) + ", " +
                     number_text(best_)
               : name + " was never a number";
}

EvaluationFollower::EvaluationFollower(
    const std::optional<EarlyStop>& early_stop,
    const std::optional<EvalMetric>& keep_best)
    : patience_(early_stop ? early_stop->patience : 0) {
  if (early_stop) {
    early_stop_.emplace(early_stop->metric, early_stop->min_delta);
  }
  if (keep_best) {
    keep_best_.emplace(*keep_best);
  }
}

bool EvaluationFollower::add(const EvalReport& report, bool can_be_best) {
  if (early_stop_) {
    early_stop_->add(report);
  }
  return keep_best_ && can_be_best && keep_best_->add(report);
}

std::optional<int64_t> EvaluationFollower::best_step() const {
  return keep_best_ ? keep_best_->step() : std::nullopt;
}

std::string EvaluationFollower::stop_text() const {
  if (!early_stop_ || early_stop_->num_since() < patience_) {
    return "";
  }
  return "no improvement in " +
         count_text(early_stop_->num_since(), "evaluation", "evaluations") +
         ": " + early_stop_->text();
}

}  // namespace pp
