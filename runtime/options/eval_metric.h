#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "loader/core/enum_names.h"

namespace pp {

/// A number that an evaluation gives.
enum class EvalMetric { Loss, Accuracy, AccuracyTop5, Perplexity };

struct EvalMetricRow {
  EvalMetric kind;
  std::string_view name;
  bool higher_is_better = false;
};

inline constexpr std::array<EvalMetricRow, 4> kEvalMetrics = {
    {{EvalMetric::Loss, "loss"},
     {EvalMetric::Accuracy, "accuracy", true},
     {EvalMetric::AccuracyTop5, "accuracy_top5", true},
     {EvalMetric::Perplexity, "perplexity"}}};

constexpr auto enum_names(EvalMetric) {
  return names_of_rows(kEvalMetrics);
}

constexpr const EvalMetricRow& eval_metric_row(EvalMetric metric) {
  return *std::ranges::find(kEvalMetrics, metric, &EvalMetricRow::kind);
}

}  // namespace pp
