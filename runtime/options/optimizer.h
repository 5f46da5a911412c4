#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "loader/core/enum_names.h"

// Facts about optimizers: names, options, state. Runs none of them.

namespace pp {

enum class OptimizerKind { Sgd, Adam, AdamW };

/// Options of one parameter, by torch's names and with torch's defaults; each
/// optimizer reads its own.
struct OptimizerOptions {
  double lr = 1e-3;
  double weight_decay = 0;
  double momentum = 0;
  double dampening = 0;
  bool nesterov = false;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  bool amsgrad = false;

  bool operator==(const OptimizerOptions&) const = default;
};

/// One option: its name, member, and the range of its numbers.
struct OptimizerOption {
  using Member = std::variant<
      double OptimizerOptions::*,
      bool OptimizerOptions::*,
      std::array<double, 2> OptimizerOptions::*>;

  std::string_view name;
  Member member;
  std::optional<double> min = {};
  std::optional<double> below = {};  ///< upper bound, itself out of range
  std::string_view meaning = {};     ///< without "Used by ..."
};

/// Every option of every optimizer.
std::span<const OptimizerOption> optimizer_options();
/// Finds an option by name; null if there is none.
const OptimizerOption* try_find_optimizer_option(std::string_view name);

/// A state tensor that an optimizer keeps for each parameter.
struct OptimizerState {
  std::string_view name;   ///< torch's, in checkpoints too
  bool is_scalar = false;  ///< one float32, not a tensor like the parameter
};

/// Facts of one optimizer; make_optimizer (runtime/optim/optimizer.h) has its
/// implementation.
struct OptimizerRow {
  OptimizerKind kind;
  std::string_view name;
  std::span<const std::string_view> options;  ///< names of those it reads
  OptimizerOptions defaults;
  std::vector<OptimizerState> (*states)(const OptimizerOptions&);
  /// Says why the options can't be combined; empty if they can.
  std::string_view (*problem)(const OptimizerOptions&);

  bool has_option(std::string_view option) const;
};

std::vector<OptimizerState> sgd_states(const OptimizerOptions& options);
std::vector<OptimizerState> adam_states(const OptimizerOptions& options);
std::string_view sgd_problem(const OptimizerOptions& options);
std::string_view no_problem(const OptimizerOptions& options);

inline constexpr std::array<std::string_view, 5> kSgdOptions = {
    "lr", "weight_decay", "momentum", "dampening", "nesterov"};
inline constexpr std::array<std::string_view, 5> kAdamOptions = {
    "lr", "weight_decay", "betas", "eps", "amsgrad"};

inline constexpr std::array<OptimizerRow, 3> kOptimizers = {
    {{OptimizerKind::Sgd, "sgd", kSgdOptions, {}, sgd_states, sgd_problem},
     {OptimizerKind::Adam, "adam", kAdamOptions, {}, adam_states, no_problem},
     {OptimizerKind::AdamW,
      "adamw",
      kAdamOptions,
      {.weight_decay = 1e-2},
      adam_states,
      no_problem}}};

constexpr auto enum_names(OptimizerKind) {
  return names_of_rows(kOptimizers);
}

const OptimizerRow& optimizer_row(OptimizerKind kind);

/// Options of the parameters whose FQN matches a pattern with `*` and `?`.
struct OptimizerGroup {
  std::string match;
  OptimizerOptions options;  ///< in full
  bool operator==(const OptimizerGroup&) const = default;
};

/// `train.optimizer` and `train.groups`.
struct OptimizerConfig {
  OptimizerKind kind = OptimizerKind::Sgd;
  OptimizerOptions options = {};
  std::vector<OptimizerGroup> groups = {};

  /// The options of one parameter: those of the first group that matches one of
  /// its names, else the job's.
  const OptimizerOptions& options_of(
      std::string_view fqn, std::span<const std::string> aliases = {}) const;
  /// The state tensors of a parameter with these options.
  std::vector<OptimizerState> states(const OptimizerOptions& of) const {
    return optimizer_row(kind).states(of);
  }
  bool operator==(const OptimizerConfig&) const = default;
};

/// Says why the options of an optimizer and its groups, each within its range,
/// can't be used together; empty if they can.
std::string optimizer_problem(const OptimizerConfig& config);

}  // namespace pp
