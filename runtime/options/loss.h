#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loader/core/enum_names.h"

namespace pp {

/// The built-in losses. make_loss() (runtime/optim/loss.h) maps each to its
/// implementation.
enum class LossKind { CrossEntropy, Mse, L1, Nll, BceWithLogits };

struct LossRow {
  LossKind kind;
  std::string_view name;
  /// Whether the output holds a score for each class, and the target classes.
  bool is_over_classes = false;
  /// The keys of `train.loss` that only some losses read.
  std::span<const std::string_view> options = {};

  bool has_option(std::string_view option) const {
    return std::ranges::find(options, option) != options.end();
  }
};

inline constexpr std::array<std::string_view, 2> kCrossEntropyOptions = {
    "label_smoothing", "weights"};
inline constexpr std::array<std::string_view, 1> kNllOptions = {"weights"};

inline constexpr std::array<LossRow, 5> kLosses = {
    {{LossKind::CrossEntropy, "cross_entropy", true, kCrossEntropyOptions},
     {LossKind::Mse, "mse"},
     {LossKind::L1, "l1"},
     {LossKind::Nll, "nll", true, kNllOptions},
     {LossKind::BceWithLogits, "bce_with_logits"}}};

constexpr const LossRow& loss_row(LossKind kind) {
  return *std::ranges::find(kLosses, kind, &LossRow::kind);
}

constexpr auto enum_names(LossKind) {
  return names_of_rows(kLosses);
}

/// The target value that cross_entropy and nll ignore.
inline constexpr int64_t kIgnoreIndex = -100;

/// `train.loss.weights`: a weight for each class. Only one member is set;
/// neither: every class weighs 1.
struct ClassWeights {
  std::vector<double> values;
  std::filesystem::path path;  ///< a `.npy` file with the weights

  bool is_set() const { return !values.empty() || !path.empty(); }
  bool operator==(const ClassWeights&) const = default;
};

/// `train.loss`, in one of three forms: `kind` (a built-in loss of the model's
/// `output` and the target), `path` (a separate graph that computes the loss),
/// or only `output` (the model computes its own loss).
struct LossConfig {
  std::optional<LossKind> kind;
  /// Name of a model output; empty: the model's only floating-point output.
  std::string output;
  std::filesystem::path path;
  double label_smoothing = 0;  ///< as in torch.nn.functional.cross_entropy
  ClassWeights weights;

  /// Whether the output holds a score for each class.
  bool is_over_classes() const {
    return kind && loss_row(*kind).is_over_classes;
  }
  /// Whether the loss compares the output with a target.
  bool needs_target() const { return kind.has_value() || !path.empty(); }
  bool operator==(const LossConfig&) const = default;
};

}  // namespace pp
