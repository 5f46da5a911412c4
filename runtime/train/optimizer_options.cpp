#include <algorithm>
#include <array>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "runtime/train/optimizer.h"

namespace pp {
namespace {

using Value = OptionValue;

/// Sets one option; false where the value has the wrong type.
using Set = bool (*)(OptimizerOptions&, const Value&);

template <auto kMember>
bool set_member(OptimizerOptions& options, const Value& value) {
  using Type = std::remove_reference_t<decltype(options.*kMember)>;
  const Type* typed = std::get_if<Type>(&value);
  if (typed != nullptr) {
    options.*kMember = *typed;
  }
  return typed != nullptr;
}

bool set_betas(OptimizerOptions& options, const Value& value) {
  const auto* betas = std::get_if<std::vector<double>>(&value);
  if (betas == nullptr || betas->size() != 2) {
    return false;
  }
  options.beta1 = betas->front();
  options.beta2 = betas->back();
  return true;
}

struct Option {
  const char* name;
  const char* type;
  Set set;
  bool sgd;
  bool adam;
};

constexpr std::array<Option, 8> kOptions = {{
    {"lr", "a number", set_member<&OptimizerOptions::lr>, true, true},
    {"weight_decay",
     "a number",
     set_member<&OptimizerOptions::weight_decay>,
     true,
     true},
    {"momentum",
     "a number",
     set_member<&OptimizerOptions::momentum>,
     true,
     false},
    {"dampening",
     "a number",
     set_member<&OptimizerOptions::dampening>,
     true,
     false},
    {"nesterov",
     "true or false",
     set_member<&OptimizerOptions::nesterov>,
     true,
     false},
    {"betas", "an array of two numbers", set_betas, false, true},
    {"eps", "a number", set_member<&OptimizerOptions::eps>, false, true},
    {"amsgrad",
     "true or false",
     set_member<&OptimizerOptions::amsgrad>,
     false,
     true},
}};

void apply(
    const std::string& optimizer,
    const OptionMap& given,
    OptimizerOptions& options) {
  for (const auto& [name, value] : given) {
    std::vector<std::string> known;
    const Option* match = nullptr;
    for (const Option& option : kOptions) {
      if (optimizer == "sgd" ? option.sgd : option.adam) {
        known.emplace_back(option.name);
        match = name == option.name ? &option : match;
      }
    }
    if (match == nullptr) {
      throw usage_error(
          "optimizer '" + optimizer + "' has no option '" + name +
          "'; it has " + join(known) + did_you_mean(name, known));
    }
    if (!match->set(options, value)) {
      throw usage_error(
          "optimizer '" + optimizer + "': '" + name + "' must be " +
          match->type);
    }
  }
}

void require(bool holds, const std::string& optimizer, const char* what) {
  if (!holds) {
    throw usage_error("optimizer '" + optimizer + "': " + what);
  }
}

/// The ranges torch.optim checks. Written so that NaN fails.
void check_ranges(const std::string& name, const OptimizerOptions& options) {
  require(options.lr >= 0, name, "'lr' must be 0 or more");
  require(options.weight_decay >= 0, name, "'weight_decay' must be 0 or more");
  require(options.momentum >= 0, name, "'momentum' must be 0 or more");
  require(options.eps >= 0, name, "'eps' must be 0 or more");
  require(
      options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 &&
          options.beta2 < 1,
      name,
      "'betas' must be at least 0 and below 1");
  require(
      !options.nesterov || (options.momentum > 0 && options.dampening == 0),
      name,
      "'nesterov' needs a 'momentum' above 0 and no 'dampening'");
}

}  // namespace

std::vector<OptimizerOptions> resolve_options(
    const OptimizerSpec& spec, std::span<const std::string> fqns) {
  const std::vector<std::string> names = optimizer_names();
  if (std::ranges::find(names, spec.name) == names.end()) {
    throw usage_error(
        "unknown optimizer '" + spec.name + "'; there are " + join(names) +
        did_you_mean(spec.name, names));
  }
  OptimizerOptions base;
  if (spec.name == "adamw") {
    base.weight_decay = 1e-2;
  }
  apply(spec.name, spec.options, base);
  check_ranges(spec.name, base);

  std::vector<OptimizerOptions> of_group;
  for (const OptimizerGroup& group : spec.groups) {
    OptimizerOptions options = base;
    apply(spec.name, group.options, options);
    check_ranges(spec.name, options);
    require(
        options.lr == base.lr || base.lr > 0,
        spec.name,
        "a group's 'lr' follows the schedule of the job's 'lr', which must be "
        "above 0");
    of_group.push_back(options);
  }

  std::vector<OptimizerOptions> out;
  for (const std::string& fqn : fqns) {
    const auto group = std::ranges::find_if(
        spec.groups, [&fqn](const OptimizerGroup& candidate) {
          return matches_glob(fqn, candidate.match);
        });
    out.push_back(
        group == spec.groups.end() ? base
                                   : of_group[group - spec.groups.begin()]);
  }
  return out;
}

}  // namespace pp
