#include "runtime/optim/loss.h"

#include <string>
#include <utility>

#include <ATen/core/Reduction.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/nll_loss_nd.h>

#include "loader/core/error.h"
#include "runtime/optim/describe.h"
#include "runtime/optim/loss_shapes.h"

namespace pp {
namespace {

/// Returns Mean, or for count 0 Sum, which is then 0 and has gradients of 0.
int64_t reduction_over(double count) {
  return count > 0 ? at::Reduction::Mean : at::Reduction::Sum;
}

/// Losses over classes: cross_entropy and nll.
class ClassLoss final : public Loss {
 public:
  using Function = at::Tensor (*)(
      const ClassInput& input,
      const at::Tensor& weights,
      double label_smoothing,
      int64_t reduction);

  ClassLoss(std::string name, Function function, ClassLossOptions options)
      : name_(std::move(name)),
        function_(function),
        options_(std::move(options)) {}

  double weight(const at::Tensor& target, int64_t /*num_rows*/) const override {
    if (!options_.weights.defined()) {
      return static_cast<double>(count_targets(target));
    }
    if (options_.weight_checks_targets) {
      check_have_weights(name_, target, options_.weights.numel());
    }
    return weight_of_targets(target, options_.weights);
  }

  at::Tensor compute(
      const at::Tensor& output,
      const at::Tensor& target,
      double weight) const override {
    const ClassInput input = class_input(name_, output, target);
    at::Tensor weights = options_.weights;
    if (weights.defined()) {
      check_num_weights(name_, weights.numel(), input.num_classes, output);
      weights = weights.to(output.options().requires_grad(false));
    }
    return function_(
        input, weights, options_.label_smoothing, reduction_over(weight));
  }

 private:
  std::string name_;
  Function function_;
  ClassLossOptions options_;
};

/// Losses per element: mse, l1, bce_with_logits.
class ElementLoss final : public Loss {
 public:
  using Function = at::Tensor (*)(
      const at::Tensor& output, const at::Tensor& target, int64_t reduction);

  ElementLoss(std::string name, Function function, bool accepts_complex)
      : name_(std::move(name)),
        function_(function),
        accepts_complex_(accepts_complex) {}

  double weight(const at::Tensor& target, int64_t /*num_rows*/) const override {
    return static_cast<double>(target.numel());
  }

  at::Tensor compute(
      const at::Tensor& output,
      const at::Tensor& target,
      double weight) const override {
    check_elementwise(name_, output, target, accepts_complex_);
    return function_(output, target, reduction_over(weight));
  }

 private:
  std::string name_;
  Function function_;
  bool accepts_complex_;
};

/// A loss that the graph computes itself: a mean over its rows.
class OutputLoss final : public Loss {
 public:
  double weight(const at::Tensor& /*target*/, int64_t num_rows) const override {
    return static_cast<double>(num_rows);
  }

  bool takes_target() const override { return false; }

  at::Tensor compute(
      const at::Tensor& output,
      const at::Tensor& /*target*/,
      double /*weight*/) const override {
    if (output.numel() != 1 || !output.is_floating_point()) {
      throw input_error(
          "an output used as the loss must be a single floating-point number, "
          "but it is " +
          describe(output));
    }
    return output.dim() == 0 ? output : output.reshape({});
  }
};

at::Tensor cross_entropy(
    const ClassInput& input,
    const at::Tensor& weights,
    double label_smoothing,
    int64_t reduction) {
  return at::cross_entropy_loss(
      input.scores,
      input.targets,
      weights,
      reduction,
      kIgnoreIndex,
      label_smoothing);
}

at::Tensor nll(
    const ClassInput& input,
    const at::Tensor& weights,
    double /*label_smoothing*/,
    int64_t reduction) {
  return at::nll_loss_nd(
      input.scores, input.targets, weights, reduction, kIgnoreIndex);
}

at::Tensor bce_with_logits(
    const at::Tensor& output, const at::Tensor& target, int64_t reduction) {
  return at::binary_cross_entropy_with_logits(
      output, target, {}, {}, reduction);
}

}  // namespace

std::unique_ptr<Loss> make_loss(
    LossKind kind, const ClassLossOptions& options) {
  const std::string name(enum_name(kind));
  switch (kind) {
    case LossKind::CrossEntropy:
      return std::make_unique<ClassLoss>(name, cross_entropy, options);
    case LossKind::Mse:
      return std::make_unique<ElementLoss>(name, at::mse_loss, false);
    case LossKind::L1:
      return std::make_unique<ElementLoss>(name, at::l1_loss, true);
    case LossKind::Nll:
      return std::make_unique<ClassLoss>(name, nll, options);
    case LossKind::BceWithLogits:
      return std::make_unique<ElementLoss>(name, bce_with_logits, false);
  }
  check(false, "a loss has no case");
  return nullptr;
}

std::unique_ptr<Loss> make_output_loss() {
  return std::make_unique<OutputLoss>();
}

}  // namespace pp
