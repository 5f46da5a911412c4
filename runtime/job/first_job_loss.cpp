#include "runtime/job/first_job_loss.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "loader/core/text.h"

namespace pp {
namespace {

bool name_has(const std::string& name, std::string_view part) {
  std::string lower;
  for (const char c : name) {
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return lower.find(part) != std::string::npos;
}

std::vector<const ModelOutput*> floating_outputs_of(
    const FirstJobModel& model) {
  std::vector<const ModelOutput*> found;
  for (const ModelOutput& output : model.outputs) {
    if (output.type.kind == ir::TypeKind::Tensor &&
        (!output.tensor.known || ir::is_floating(output.tensor.dtype))) {
      found.push_back(&output);
    }
  }
  return found;
}

bool is_scalar(const ModelOutput& output) {
  return output.tensor.known && output.tensor.sizes.empty();
}

/// Returns the output that is the model's own loss: a scalar that is the only
/// output, or whose name contains "loss". Null if there is none.
const ModelOutput* own_loss(const std::vector<const ModelOutput*>& outputs) {
  for (const ModelOutput* output : outputs) {
    if (is_scalar(*output) &&
        (outputs.size() == 1 || name_has(output->name, "loss"))) {
      return output;
    }
  }
  return nullptr;
}

const ModelOutput& main_output(const std::vector<const ModelOutput*>& outputs) {
  for (const ModelOutput* output : outputs) {
    if (name_has(output->name, "logits")) {
      return *output;
    }
  }
  const auto has_rows = std::ranges::find_if(
      outputs, [](const ModelOutput* output) { return !is_scalar(*output); });
  return has_rows == outputs.end() ? *outputs.front() : **has_rows;
}

/// Whether some input has this number of dimensions and holds integers.
bool reads_integers(const FirstJobModel& model, size_t num_dims) {
  return std::ranges::any_of(model.inputs, [&](const ModelInput& input) {
    return input.tensor.known && input.tensor.sizes.size() == num_dims &&
           !ir::is_differentiable(input.tensor.dtype);
  });
}

bool reads_images(const FirstJobModel& model) {
  return std::ranges::any_of(model.inputs, [](const ModelInput& input) {
    const std::vector<ir::Dim>& sizes = input.tensor.sizes;
    return input.tensor.known && sizes.size() == 4 && sizes[1].is_fixed() &&
           (sizes[1].value == 1 || sizes[1].value == 3);
  });
}

/// The dimension of an output along which the classes lie: the last one, or for
/// images the one after the rows.
size_t class_dim(const std::vector<ir::Dim>& sizes) {
  return sizes.size() > 3 ? 1 : sizes.size() - 1;
}

/// Whether an output has a score for each class.
bool has_classes(const FirstJobModel& model, const ModelOutput& output) {
  const std::vector<ir::Dim>& sizes = output.tensor.sizes;
  if (!output.tensor.known) {
    return name_has(output.name, "logits");
  }
  if (sizes.size() < 2 || !sizes[class_dim(sizes)].is_fixed() ||
      sizes[class_dim(sizes)].value < 2) {
    return false;
  }
  return name_has(output.name, "logits") || name_has(output.name, "scores") ||
         reads_integers(model, 2) || (sizes.size() == 2 && reads_images(model));
}

/// A loss that compares integers with scores of classes.
FirstJobLoss class_loss(
    const FirstJobModel& model, const ModelOutput& output, std::string name) {
  FirstJobLoss loss{.name = std::move(name)};
  std::vector<ir::Dim> sizes = output.tensor.sizes;
  if (!output.tensor.known || sizes.size() < 2) {
    loss.target = "the number of the right class for each row, int64";
    loss.reason = "'" + output.name + "' has a score for each class.";
    return loss;
  }
  const size_t dim = class_dim(sizes);
  const ir::Dim classes = sizes[dim];
  sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(dim));
  loss.is_per_token = sizes.size() == 2;
  loss.reason = "'" + output.name + "' has scores for " +
                (classes.is_fixed() ? std::to_string(classes.value) + " classes"
                                    : "classes") +
                (loss.is_per_token ? " at each position." : ".");
  loss.target =
      "class numbers" +
      (classes.is_fixed() ? " from 0 to " + std::to_string(classes.value - 1)
                          : std::string()) +
      ", int64 " + sizes_text(model, sizes, "rows");
  return loss;
}

FirstJobLoss value_loss(
    const FirstJobModel& model, const ModelOutput& output, std::string name) {
  FirstJobLoss loss{.name = std::move(name)};
  loss.reason = "'" + output.name +
                "' is compared with values; for class numbers, write "
                "\"cross_entropy\".";
  loss.target = output.tensor.known
                    ? "values, " + ir::name_of(output.tensor.dtype) + " " +
                          sizes_text(model, output.tensor.sizes, "rows")
                    : "values like the output";
  return loss;
}

/// Whether the target holds class numbers, as far as types and names say so.
bool is_class_target(
    const FirstJobModel& model,
    const ModelOutput& output,
    const FirstJobData& target) {
  if (target.dtype) {
    return !ir::is_floating(*target.dtype) && output.tensor.sizes.size() != 1;
  }
  return has_classes(model, output);
}

}  // namespace

std::string sizes_text(
    const FirstJobModel& model,
    const std::vector<ir::Dim>& sizes,
    const std::string& first) {
  std::vector<std::string> parts;
  for (const ir::Dim& dim : sizes) {
    if (parts.empty() && !first.empty()) {
      parts.push_back(first);
      continue;
    }
    const auto range = model.ranges.find(dim.expr);
    const bool has_max =
        range != model.ranges.end() && range->second.max.has_value();
    parts.push_back(
        dim.is_fixed() ? std::to_string(dim.value)
        : has_max      ? "at most " + std::to_string(*range->second.max)
                       : "any");
  }
  return "[" + join(parts) + "]";
}

FirstJobLoss guess_loss(
    const FirstJobModel& model, const FirstJobRequest& request) {
  const std::vector<const ModelOutput*> outputs = floating_outputs_of(model);
  if (outputs.empty()) {
    return {.name = request.loss.empty() ? "mse" : request.loss};
  }
  if (const ModelOutput* own = own_loss(outputs);
      own != nullptr && request.loss.empty()) {
    return {
        .output = own->name,
        .reason = "The model computes its own loss, '" + own->name + "'."};
  }
  const ModelOutput& output = main_output(outputs);
  const bool is_log = std::ranges::find(model.log_probabilities, output.name) !=
                      model.log_probabilities.end();
  const std::string wanted = request.loss;
  const bool is_class = wanted.empty()
                            ? is_class_target(model, output, request.target)
                            : wanted == "cross_entropy" || wanted == "nll";
  FirstJobLoss loss =
      is_class ? class_loss(
                     model,
                     output,
                     !wanted.empty() ? wanted
                     : is_log        ? "nll"
                                     : "cross_entropy")
               : value_loss(model, output, wanted.empty() ? "mse" : wanted);
  if (outputs.size() > 1) {
    loss.output = output.name;
  }
  return loss;
}

}  // namespace pp
