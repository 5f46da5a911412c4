#include "runtime/train/loss.h"

#include <array>
#include <utility>

#include <ATen/core/Reduction.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/nll_loss_nd.h>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/train/describe.h"
#include "runtime/train/loss_shapes.h"

namespace pp {
namespace {

/// The mean; over nothing a sum, which is 0 and has gradients of 0.
int64_t reduction_over(double count) {
  return count > 0 ? at::Reduction::Mean : at::Reduction::Sum;
}

/// Losses over classes: cross_entropy and nll.
class ClassLoss final : public Loss {
 public:
  using Function = at::Tensor (*)(
      const at::Tensor& scores, const at::Tensor& targets, int64_t reduction);

  ClassLoss(std::string name, Function function)
      : name_(std::move(name)), function_(function) {}

  double weight(const at::Tensor& target, int64_t /*num_rows*/) const override {
    return static_cast<double>(count_targets(target));
  }

  at::Tensor compute(
      const at::Tensor& output,
      const at::Tensor& target,
      double weight) const override {
    const ClassInput input = class_input(name_, output, target);
    return function_(input.scores, input.targets, reduction_over(weight));
  }

 private:
  std::string name_;
  Function function_;
};

/// Losses by element: mse, l1, bce_with_logits.
class ElementLoss final : public Loss {
 public:
  using Function = at::Tensor (*)(
      const at::Tensor& output, const at::Tensor& target, int64_t reduction);

  ElementLoss(std::string name, Function function)
      : name_(std::move(name)), function_(function) {}

  double weight(const at::Tensor& target, int64_t /*num_rows*/) const override {
    return static_cast<double>(target.numel());
  }

  at::Tensor compute(
      const at::Tensor& output,
      const at::Tensor& target,
      double weight) const override {
    check_elementwise(name_, output, target);
    return function_(output, target, reduction_over(weight));
  }

 private:
  std::string name_;
  Function function_;
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
          "an output used as the loss must be one floating number, but it is " +
          describe(output));
    }
    return output.dim() == 0 ? output : output.reshape({});
  }
};

at::Tensor cross_entropy(
    const at::Tensor& scores, const at::Tensor& targets, int64_t reduction) {
  return at::cross_entropy_loss(scores, targets, {}, reduction, kIgnoreIndex);
}

at::Tensor nll(
    const at::Tensor& scores, const at::Tensor& targets, int64_t reduction) {
  return at::nll_loss_nd(scores, targets, {}, reduction, kIgnoreIndex);
}

at::Tensor bce_with_logits(
    const at::Tensor& output, const at::Tensor& target, int64_t reduction) {
  return at::binary_cross_entropy_with_logits(
      output, target, {}, {}, reduction);
}

template <typename Kind, typename Kind::Function kFunction>
std::unique_ptr<Loss> make(const std::string& name) {
  return std::make_unique<Kind>(name, kFunction);
}

std::unique_ptr<Loss> make_output(const std::string& /*name*/) {
  return std::make_unique<OutputLoss>();
}

struct LossRow {
  const char* name;
  std::unique_ptr<Loss> (*make)(const std::string& name);
};

constexpr std::array<LossRow, 6> kLosses = {{
    {"cross_entropy", make<ClassLoss, cross_entropy>},
    {"mse", make<ElementLoss, at::mse_loss>},
    {"l1", make<ElementLoss, at::l1_loss>},
    {"nll", make<ClassLoss, nll>},
    {"bce_with_logits", make<ElementLoss, bce_with_logits>},
    {"output", make_output},
}};

}  // namespace

std::vector<std::string> loss_names() {
  std::vector<std::string> names;
  for (const LossRow& row : kLosses) {
    names.emplace_back(row.name);
  }
  return names;
}

std::unique_ptr<Loss> make_loss(const LossSpec& spec) {
  for (const LossRow& row : kLosses) {
    if (spec.name == row.name) {
      return row.make(spec.name);
    }
  }
  const std::vector<std::string> names = loss_names();
  throw usage_error(
      "unknown loss '" + spec.name + "'; there are " + join(names) +
      did_you_mean(spec.name, names));
}

}  // namespace pp
