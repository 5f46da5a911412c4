#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "loader/core/enum_names.h"

namespace pp {

/// The built-in losses; make_loss (runtime/optim/loss.h) has each one's
/// function.
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

/// Targets with this class don't count in cross_entropy and nll.
inline constexpr int64_t kIgnoreIndex = -100;

/// `train.loss`, one of three: `kind` (a built-in loss of `output` and the
/// target), `path` (a loss graph of its own), or `output` alone (the graph
/// computes its loss).
struct LossConfig {
  std::optional<LossKind> kind;
  std::string output;  ///< empty: the model's only floating-point output
  std::filesystem::path path;

  /// Whether it compares with a target.
  bool needs_target() const { return kind.has_value() || !path.empty(); }
  bool operator==(const LossConfig&) const = default;
};

}  // namespace pp
