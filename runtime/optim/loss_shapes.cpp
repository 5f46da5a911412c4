#include "runtime/optim/loss_shapes.h"

#include <algorithm>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/index_text.h"
#include "runtime/optim/describe.h"
#include "runtime/optim/loss.h"

namespace pp {
namespace {

/// The dimension of `output` that holds classes; -1 if none fits `target`.
int64_t class_dimension(const at::Tensor& output, const at::Tensor& target) {
  const auto matches = [&](int64_t dim) {
    auto sizes = output.sizes().vec();
    sizes.erase(sizes.begin() + dim);
    return target.sizes().equals(sizes);
  };
  if (output.dim() >= 1 && matches(output.dim() - 1)) {
    return output.dim() - 1;
  }
  return output.dim() >= 2 && matches(1) ? 1 : -1;
}

bool is_integer(const at::Tensor& tensor) {
  return c10::isIntegralType(tensor.scalar_type(), /*includeBool=*/false);
}

bool is_class(int64_t label, int64_t num_classes) {
  return label >= 0 && label < num_classes;
}

/// why  a note on the number of classes, for the message
void check_classes(
    const std::string& loss,
    const at::Tensor& target,
    int64_t num_classes,
    const std::string& why = "") {
  const at::Tensor dense = target.contiguous();
  const int64_t* classes = dense.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < dense.numel(); ++i) {
    const int64_t label = classes[i];
    if (!is_class(label, num_classes) && label != kIgnoreIndex) {
      throw input_error(
          loss + ": " +
          index_text(
              "target",
              {dense.sizes().data(), dense.sizes().size()},
              i,
              label,
              0,
              num_classes - 1) +
          why + ", and " + std::to_string(kIgnoreIndex) + ", which is ignored");
    }
  }
}

}  // namespace

ClassInput class_input(
    const std::string& loss,
    const at::Tensor& output,
    const at::Tensor& target) {
  const std::string both = "the output is " + describe(output) +
                           ", and the target is " + describe(target);
  if (!target.defined() || !is_integer(target)) {
    throw input_error(loss + " needs an integer target, but " + both);
  }
  if (!output.is_floating_point()) {
    throw input_error(loss + " needs a floating-point output, but " + both);
  }
  const int64_t dim = class_dimension(output, target);
  if (dim < 0) {
    throw input_error(
        loss +
        " needs a target shaped like the output without its class dimension "
        "(the last or dimension 1), but " +
        both);
  }
  const int64_t num_classes = output.size(dim);
  ClassInput input{output, target.to(at::kLong), num_classes};
  if (input.targets.device().is_cpu()) {
    check_classes(loss, input.targets, num_classes);
  }
  if (dim != 1 || output.dim() == 1) {
    input.scores = output.reshape({-1, num_classes});
    input.targets = input.targets.reshape({-1});
  }
  return input;
}

int64_t count_targets(const at::Tensor& target) {
  const at::Tensor dense = target.to(at::kLong).contiguous();
  const int64_t* classes = dense.const_data_ptr<int64_t>();
  return dense.numel() -
         std::count(classes, classes + dense.numel(), kIgnoreIndex);
}

double weight_of_targets(const at::Tensor& target, const at::Tensor& weights) {
  const at::Tensor dense = target.to(at::kLong).contiguous();
  const int64_t* classes = dense.const_data_ptr<int64_t>();
  const auto* each = weights.const_data_ptr<double>();
  double sum = 0;
  for (int64_t i = 0; i < dense.numel(); ++i) {
    sum += is_class(classes[i], weights.numel()) ? each[classes[i]] : 0;
  }
  return sum;
}

void check_have_weights(
    const std::string& loss, const at::Tensor& target, int64_t num_weights) {
  check_classes(
      loss,
      target.to(at::kLong),
      num_weights,
      " (train.loss.weights has " +
          count_text(num_weights, "weight", "weights") + ")");
}

void check_num_weights(
    const std::string& loss,
    int64_t num_weights,
    int64_t num_classes,
    const at::Tensor& output) {
  if (num_weights != num_classes) {
    throw input_error(
        loss + ": train.loss.weights has " +
        count_text(num_weights, "weight", "weights") + ", but the output, " +
        describe(output) + ", has " +
        count_text(num_classes, "class", "classes"));
  }
}

void check_elementwise(
    const std::string& loss,
    const at::Tensor& output,
    const at::Tensor& target,
    bool accepts_complex) {
  const std::string both = "the output is " + describe(output) +
                           ", and the target is " + describe(target);
  if (!target.defined() || !output.sizes().equals(target.sizes())) {
    throw input_error(
        loss + " needs a target of the output's shape, but " + both);
  }
  const bool fits =
      output.is_floating_point() || (accepts_complex && output.is_complex());
  if (!fits || output.scalar_type() != target.scalar_type()) {
    throw input_error(
        loss + " needs a target of the output's floating-point " +
        (accepts_complex ? "or complex " : "") + "dtype, but " + both);
  }
}

}  // namespace pp
