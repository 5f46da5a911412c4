#include "runtime/optim/class_counts.h"

#include <cmath>
#include <string>

#include <ATen/core/Reduction.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/full.h>
#include <ATen/ops/nll_loss_nd.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/stack.h>

#include "loader/core/error.h"
#include "runtime/optim/loss_shapes.h"

namespace pp {
namespace {

constexpr int64_t kTop = 5;

/// The number of classes with a higher score than the target's: its place, from
/// 0. A target whose own score is NaN has place kTop, so it counts as wrong.
at::Tensor places_of(const at::Tensor& scores, const at::Tensor& targets) {
  const at::Tensor classes = targets.unsqueeze(1);
  const at::Tensor own = scores.gather(1, classes);
  // Not gt(), which is false for NaN.
  const at::Tensor higher = scores.le(own).logical_not_();
  const at::Tensor earlier =
      at::arange(scores.size(1), classes.options()).lt(classes);
  return higher.logical_or_(scores.eq(own).logical_and_(earlier))
      .sum(1)
      .masked_fill_(own.squeeze(1).isnan(), kTop);
}

at::Tensor sum_of_cross_entropies(
    LossKind loss, const at::Tensor& scores, const at::Tensor& targets) {
  const at::Tensor exact =
      scores.scalar_type() == at::kDouble ? scores : scores.to(at::kFloat);
  const at::Tensor each =
      loss == LossKind::Nll
          ? at::nll_loss_nd(exact, targets, {}, at::Reduction::None)
          : at::cross_entropy_loss(exact, targets, {}, at::Reduction::None);
  return each.to(at::kDouble).sum();
}

}  // namespace

at::Tensor count_classes(
    LossKind loss, const at::Tensor& output, const at::Tensor& target) {
  const ClassInput input =
      class_input(std::string(enum_name(loss)), output.detach(), target);
  const at::Tensor rows =
      input.scores.movedim(1, -1).reshape({-1, input.num_classes});
  const at::Tensor flat_targets = input.targets.reshape({-1});
  const at::Tensor counted =
      at::nonzero(flat_targets.ne(kIgnoreIndex)).squeeze(1);
  const at::Tensor scores = rows.index_select(0, counted);
  const at::Tensor targets = flat_targets.index_select(0, counted);
  const at::Tensor places = places_of(scores, targets);
  return at::stack(
      {at::full({}, counted.numel(), scores.options().dtype(at::kDouble)),
       places.lt(1).sum().to(at::kDouble),
       places.lt(kTop).sum().to(at::kDouble),
       sum_of_cross_entropies(loss, scores, targets)});
}

ClassCounts to_class_counts(const at::Tensor& counts) {
  const at::Tensor host = counts.cpu();
  const auto* numbers = host.const_data_ptr<double>();
  return {numbers[0], numbers[1], numbers[2], numbers[3]};
}

double value_of(EvalMetric metric, const ClassCounts& counts) {
  switch (metric) {
    case EvalMetric::Accuracy:
      return counts.correct / counts.num_targets;
    case EvalMetric::AccuracyTop5:
      return counts.correct_top5 / counts.num_targets;
    case EvalMetric::Perplexity:
      return std::exp(counts.cross_entropy / counts.num_targets);
    case EvalMetric::Loss:
      break;
  }
  check(false, "every metric that is counted has a case");
  return 0;
}

}  // namespace pp
