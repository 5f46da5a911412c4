#include "runtime/options/optimizer.h"

#include <algorithm>

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {
namespace {

constexpr std::array<OptimizerOption, 11> kOptions = {
    {{.name = "lr",
      .member = &OptimizerOptions::lr,
      .min = 0,
      .meaning = "Learning rate."},
     {.name = "weight_decay",
      .member = &OptimizerOptions::weight_decay,
      .min = 0,
      .meaning = "As in torch: added to the gradient in `sgd` and `adam`, else "
                 "decoupled."},
     {.name = "momentum", .member = &OptimizerOptions::momentum, .min = 0},
     {.name = "dampening", .member = &OptimizerOptions::dampening},
     {.name = "nesterov", .member = &OptimizerOptions::nesterov},
     {.name = "betas",
      .member = &OptimizerOptions::betas,
      .min = 0,
      .below = 1},
     {.name = "eps", .member = &OptimizerOptions::eps, .min = 0},
     {.name = "amsgrad", .member = &OptimizerOptions::amsgrad},
     {.name = "ns_steps",
      .member = &OptimizerOptions::ns_steps,
      .min = 0,
      .below = 100,
      .meaning = "Newton-Schulz iterations."},
     {.name = "adjust_lr_fn",
      .member = &OptimizerOptions::adjust_lr_fn,
      .meaning = "Factor of the learning rate for a matrix's shape, as in "
                 "`torch.optim.Muon`."},
     {.name = "orthogonalize",
      .member = &OptimizerOptions::orthogonalize,
      .meaning = "Orthogonalise the updates of parameters of 2 dimensions; all "
                 "others, and with `false` these too, are updated as by "
                 "`adamw`."}}};

}  // namespace

std::span<const OptimizerOption> optimizer_options() {
  return kOptions;
}

const OptimizerOption* try_find_optimizer_option(std::string_view name) {
  const auto* found = std::ranges::find(kOptions, name, &OptimizerOption::name);
  return found == kOptions.end() ? nullptr : found;
}

bool OptimizerRow::has_option(std::string_view option) const {
  return std::ranges::find(options, option) != options.end();
}

std::vector<OptimizerState> sgd_states(
    const OptimizerOptions& options, const ParameterForm& /*form*/) {
  if (options.momentum == 0) {
    return {};
  }
  return {{"momentum_buffer"}};
}

std::vector<OptimizerState> adam_states(
    const OptimizerOptions& options, const ParameterForm& /*form*/) {
  // The step is a float32 whatever the parameter's type, as in torch's fused
  // optimizers.
  std::vector<OptimizerState> states = {
      {"step", /*is_scalar=*/true}, {"exp_avg"}, {"exp_avg_sq"}};
  if (options.amsgrad) {
    states.push_back({"max_exp_avg_sq"});
  }
  return states;
}

std::vector<OptimizerState> lion_states(
    const OptimizerOptions& /*options*/, const ParameterForm& /*form*/) {
  return {{"exp_avg"}};
}

bool orthogonalizes(
    const OptimizerOptions& options, const ParameterForm& form) {
  return options.orthogonalize && form.num_dims == 2 && !form.is_complex;
}

std::vector<OptimizerState> muon_states(
    const OptimizerOptions& options, const ParameterForm& form) {
  if (orthogonalizes(options, form)) {
    return {{"momentum_buffer"}};
  }
  return adam_states(options, form);
}

std::string_view sgd_problem(const OptimizerOptions& options) {
  return options.nesterov && (options.momentum == 0 || options.dampening != 0)
             ? "nesterov needs a momentum above 0 and no dampening"
             : "";
}

std::string_view no_problem(const OptimizerOptions& /*options*/) {
  return "";
}

const OptimizerRow& optimizer_row(OptimizerKind kind) {
  const auto* row = std::ranges::find(kOptimizers, kind, &OptimizerRow::kind);
  check(row != kOptimizers.end(), "an optimizer has no row");
  return *row;
}

const OptimizerOptions& OptimizerConfig::options_of(
    std::string_view fqn, std::span<const std::string> aliases) const {
  const auto group =
      std::ranges::find_if(groups, [&](const OptimizerGroup& candidate) {
        return matches_glob(fqn, candidate.match) ||
               std::ranges::any_of(aliases, [&](const std::string& alias) {
                 return matches_glob(alias, candidate.match);
               });
      });
  return group == groups.end() ? options : group->options;
}

std::string optimizer_problem(const OptimizerConfig& config) {
  const OptimizerRow& row = optimizer_row(config.kind);
  std::string_view problem = row.problem(config.options);
  for (const OptimizerGroup& group : config.groups) {
    if (problem.empty()) {
      problem = row.problem(group.options);
    }
    if (problem.empty() && group.options.lr != config.options.lr &&
        config.options.lr == 0) {
      problem =
          "a group's lr changes in proportion to the job's lr, so the job's lr "
          "must be above 0";
    }
  }
  return problem.empty() ? ""
                         : std::string(row.name) + ": " + std::string(problem);
}

}  // namespace pp
