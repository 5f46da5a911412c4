#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "loader/core/enum_names.h"

namespace pp {

/// The built-in losses. make_loss() (runtime/optim/loss.h) maps each to its
/// implementation.
enum class LossKind { CrossEntropy, Mse, L1, Nll, BceWithLogits };

struct LossRow {
  LossKind kind;
  std::string_view name;
};

inline constexpr std::array<LossRow, 5> kLosses = {
    {{LossKind::CrossEntropy, "cross_entropy"},
     {LossKind::Mse, "mse"},
     {LossKind::L1, "l1"},
     {LossKind::Nll, "nll"},
     {LossKind::BceWithLogits, "bce_with_logits"}}};

constexpr auto enum_names(LossKind) {
  return names_of_rows(kLosses);
}

/// The target value that cross_entropy and nll ignore.
inline constexpr int64_t kIgnoreIndex = -100;

/// `train.loss`, in one of three forms: `kind` (a built-in loss of the model's
/// `output` and the target), `path` (a separate graph that computes the loss),
/// or only `output` (the model computes its own loss).
struct LossConfig {
  std::optional<LossKind> kind;
  /// Name of a model output; empty: the model's only floating-point output.
  std::string output;
  std::filesystem::path path;

  /// Whether the loss compares the output with a target.
  bool needs_target() const { return kind.has_value() || !path.empty(); }
  bool operator==(const LossConfig&) const = default;
};

}  // namespace pp
