#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "runtime/options/eval_metric.h"
#include "runtime/options/loss.h"

namespace pp {

/// Sums over targets from which the metrics of classes follow. Sums of parts
/// add up to the sums of the whole.
struct ClassCounts {
  double num_targets = 0;   ///< those that aren't kIgnoreIndex
  double correct = 0;       ///< whose class has the highest score
  double correct_top5 = 0;  ///< whose class is among the five highest
  /// Sum of the targets' cross entropies, without class weights and without
  /// label smoothing.
  double cross_entropy = 0;
};

/// Number of members of ClassCounts.
inline constexpr int64_t kNumClassCounts = 4;

/// Counts one microbatch. Of classes with equal scores, the first counts as the
/// highest, as in argmax; NaN counts as higher than every number,
/// and a target whose own score is NaN as wrong.
///
/// loss     cross_entropy: `output` has logits; nll: it has log-probabilities
/// target   on the device of `output`
/// returns  the members of ClassCounts in their order, float64 [4] on the
///          device of `output`, so that the caller decides when to wait for it
/// throws   what class_input() throws
at::Tensor count_classes(
    LossKind loss, const at::Tensor& output, const at::Tensor& target);

/// Converts a sum of results of count_classes(). Waits for the device.
ClassCounts to_class_counts(const at::Tensor& counts);

/// Returns a metric of the counted targets; NaN if there are none.
///
/// metric  not EvalMetric::Loss, which isn't counted
double value_of(EvalMetric metric, const ClassCounts& counts);

}  // namespace pp
