#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "loader/core/enum_names.h"

// Describes the optimizers (names, options, state) without running them.

namespace pp {

enum class OptimizerKind { Sgd, Adam, AdamW, Lion, Muon };

/// How Muon adapts the learning rate to a matrix's shape, as in
/// torch.optim.Muon.
enum class AdjustLr { Original, MatchRmsAdamW, SpectralUnclamped };

constexpr auto enum_names(AdjustLr) {
  return std::array<EnumName<AdjustLr>, 3>{
      {{AdjustLr::Original, "original"},
       {AdjustLr::MatchRmsAdamW, "match_rms_adamw"},
       {AdjustLr::SpectralUnclamped, "spectral_unclamped"}}};
}

/// The options for one parameter, with torch's names and defaults. Each
/// optimizer reads only its own options.
struct OptimizerOptions {
  double lr = 1e-3;
  double weight_decay = 0;
  double momentum = 0;
  double dampening = 0;
  bool nesterov = false;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  bool amsgrad = false;
  int64_t ns_steps = 5;
  AdjustLr adjust_lr_fn = AdjustLr::Original;
  bool orthogonalize = true;

  bool operator==(const OptimizerOptions&) const = default;
};

/// One row of the table of options: name, member, and range of values.
struct OptimizerOption {
  using Member = std::variant<
      double OptimizerOptions::*,
      bool OptimizerOptions::*,
      int64_t OptimizerOptions::*,
      AdjustLr OptimizerOptions::*,
      std::array<double, 2> OptimizerOptions::*>;

  std::string_view name;
  Member member;
  std::optional<double> min = {};
  std::optional<double> below = {};  ///< exclusive upper bound
  /// Description in the documentation, which adds "Used by ..." to it.
  std::string_view meaning = {};
};

/// Every option of every optimizer.
std::span<const OptimizerOption> optimizer_options();
/// Finds an option by name; null if there is none.
const OptimizerOption* try_find_optimizer_option(std::string_view name);

/// A state tensor that an optimizer keeps for each parameter.
struct OptimizerState {
  std::string_view name;  ///< torch's name; checkpoints use it too
  /// True: one float32; false: a tensor of the parameter's shape.
  bool is_scalar = false;
};

/// The properties of a parameter on which an optimizer's states depend.
struct ParameterForm {
  int64_t num_dims = 0;
  bool is_complex = false;
};

/// Whether an update of one entry needs only that entry's gradient and state,
/// so that a parameter can be divided among replicas, or the whole matrix.
enum class UpdateScope { Elementwise, WholeMatrix };

/// One row of the table of optimizers. make_optimizer()
/// (runtime/optim/optimizer.h) maps each to its implementation.
struct OptimizerRow {
  OptimizerKind kind;
  std::string_view name;
  /// Names of the options that the optimizer reads.
  std::span<const std::string_view> options;
  OptimizerOptions defaults;
  UpdateScope scope;
  std::vector<OptimizerState> (*states)(
      const OptimizerOptions&, const ParameterForm&);
  /// Returns why the options can't be combined; empty if they can.
  std::string_view (*problem)(const OptimizerOptions&);

  bool has_option(std::string_view option) const;
};

std::vector<OptimizerState> sgd_states(
    const OptimizerOptions& options, const ParameterForm& form);
std::vector<OptimizerState> adam_states(
    const OptimizerOptions& options, const ParameterForm& form);
std::vector<OptimizerState> lion_states(
    const OptimizerOptions& options, const ParameterForm& form);
std::vector<OptimizerState> muon_states(
    const OptimizerOptions& options, const ParameterForm& form);
std::string_view sgd_problem(const OptimizerOptions& options);
std::string_view no_problem(const OptimizerOptions& options);

/// Whether Muon orthogonalises the updates of a parameter, instead of updating
/// it as AdamW does.
bool orthogonalizes(const OptimizerOptions& options, const ParameterForm& form);

inline constexpr std::array<std::string_view, 5> kSgdOptions = {
    "lr", "weight_decay", "momentum", "dampening", "nesterov"};
inline constexpr std::array<std::string_view, 5> kAdamOptions = {
    "lr", "weight_decay", "betas", "eps", "amsgrad"};
inline constexpr std::array<std::string_view, 3> kLionOptions = {
    "lr", "weight_decay", "betas"};
inline constexpr std::array<std::string_view, 9> kMuonOptions = {
    "lr",
    "weight_decay",
    "momentum",
    "nesterov",
    "betas",
    "eps",
    "ns_steps",
    "adjust_lr_fn",
    "orthogonalize"};

inline constexpr std::array<OptimizerRow, 5> kOptimizers = {
    {{OptimizerKind::Sgd,
      "sgd",
      kSgdOptions,
      {},
      UpdateScope::Elementwise,
      sgd_states,
      sgd_problem},
     {OptimizerKind::Adam,
      "adam",
      kAdamOptions,
      {},
      UpdateScope::Elementwise,
      adam_states,
      no_problem},
     {OptimizerKind::AdamW,
      "adamw",
      kAdamOptions,
      {.weight_decay = 1e-2},
      UpdateScope::Elementwise,
      adam_states,
      no_problem},
     {OptimizerKind::Lion,
      "lion",
      kLionOptions,
      {.lr = 1e-4, .betas = {0.9, 0.99}},
      UpdateScope::Elementwise,
      lion_states,
      no_problem},
     {OptimizerKind::Muon,
      "muon",
      kMuonOptions,
      {.weight_decay = 0.1, .momentum = 0.95, .nesterov = true},
      UpdateScope::WholeMatrix,
      muon_states,
      no_problem}}};

constexpr auto enum_names(OptimizerKind) {
  return names_of_rows(kOptimizers);
}

const OptimizerRow& optimizer_row(OptimizerKind kind);

/// One row of `train.groups`: the options of the parameters whose FQN matches a
/// pattern with `*` and `?`.
struct OptimizerGroup {
  std::string match;
  /// All options; those that the group doesn't set are the job's.
  OptimizerOptions options;
  bool operator==(const OptimizerGroup&) const = default;
};

/// `train.optimizer` and `train.groups`.
struct OptimizerConfig {
  OptimizerKind kind = OptimizerKind::Sgd;
  OptimizerOptions options = {};
  std::vector<OptimizerGroup> groups = {};
  /// The decay of the moving averages of the parameters; nullopt: there are
  /// none.
  std::optional<double> ema_decay = {};

  /// Returns the options of one parameter: those of the first group that
  /// matches its FQN or one of its aliases, or else the job's.
  const OptimizerOptions& options_of(
      std::string_view fqn, std::span<const std::string> aliases = {}) const;
  /// Returns which state tensors a parameter with the options `of` has.
  std::vector<OptimizerState> states(
      const OptimizerOptions& of, const ParameterForm& form) const {
    return optimizer_row(kind).states(of, form);
  }
  bool operator==(const OptimizerConfig&) const = default;
};

/// Returns why the options of an optimizer and its groups can't be combined,
/// although each is within its range; empty if they can.
std::string optimizer_problem(const OptimizerConfig& config);

}  // namespace pp
