#include "runtime/plan/name_patterns.h"

#include <algorithm>
#include <set>
#include <utility>

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

namespace {

/// FQN and other names of every stage's parameters.
std::vector<std::pair<std::string, std::vector<std::string>>> parameters_of(
    const PipelineSource& source) {
  std::vector<std::pair<std::string, std::vector<std::string>>> out;
  for (size_t i = 0; i < source.stages.size(); ++i) {
    for (const ir::State& state : source.stages[i].graph.states) {
      if (state.kind == ir::StateKind::Parameter) {
        out.emplace_back(state.fqn, state.aliases);
      }
    }
    if (source.stages[i].absent.empty()) {
      continue;
    }
    for (const std::string& fqn : source.manifest.stages[i].parameters) {
      const auto tied =
          std::ranges::find(source.manifest.tied, fqn, &TiedParameter::fqn);
      out.emplace_back(
          fqn,
          tied == source.manifest.tied.end() ? std::vector<std::string>()
                                             : tied->aliases);
    }
  }
  return out;
}

[[noreturn]] void refuse_pattern(
    const std::string& key,
    const std::string& kind,
    const std::string& pattern,
    const std::vector<std::string>& names) {
  throw usage_error(
      key + ": no " + kind + " matches '" + pattern + "'" +
      did_you_mean(pattern, names) + "; `pp inspect` lists them");
}

bool some_are_absent(const PipelineSource& source) {
  return std::ranges::any_of(source.stages, [](const StageSource& stage) {
    return !stage.absent.empty();
  });
}

}  // namespace

bool has_match(
    const std::string& fqn,
    const std::vector<std::string>& aliases,
    const std::vector<std::string>& patterns) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return matches_glob(fqn, pattern) ||
           std::ranges::any_of(aliases, [&](const std::string& alias) {
             return matches_glob(alias, pattern);
           });
  });
}

void check_freeze(
    const std::vector<std::string>& patterns, const PipelineSource& source) {
  if (patterns.empty()) {
    return;
  }
  std::vector<std::string> names;
  bool any_left = false;
  std::vector<char> used(patterns.size(), 0);
  for (const auto& [fqn, aliases] : parameters_of(source)) {
    names.push_back(fqn);
    bool frozen = false;
    for (size_t i = 0; i < patterns.size(); ++i) {
      if (has_match(fqn, aliases, {patterns[i]})) {
        used[i] = 1;
        frozen = true;
      }
    }
    any_left = any_left || !frozen;
  }
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (used[i] == 0) {
      refuse_pattern("train.freeze", "parameter", patterns[i], names);
    }
  }
  if (!any_left) {
    throw usage_error("train.freeze leaves no parameter to train");
  }
}

void check_groups(
    const std::vector<OptimizerGroup>& groups, const PipelineSource& source) {
  const auto parameters = parameters_of(source);
  std::vector<std::string> names;
  for (const auto& [fqn, aliases] : parameters) {
    names.push_back(fqn);
  }
  for (const OptimizerGroup& group : groups) {
    if (std::ranges::none_of(parameters, [&](const auto& parameter) {
          const auto& [fqn, aliases] = parameter;
          return has_match(fqn, aliases, {group.match});
        })) {
      refuse_pattern("train.groups", "parameter", group.match, names);
    }
  }
}

void check_recompute(
    const std::vector<std::string>& patterns, const PipelineSource& source) {
  if (some_are_absent(source)) {
    return;  // what this host lacks may match
  }
  std::set<std::string> modules;
  for (const StageSource& stage : source.stages) {
    for (const ir::Node& node : stage.graph.nodes) {
      for (const ir::ModuleFrame& frame : node.modules) {
        modules.insert(frame.fqn);
      }
    }
  }
  modules.erase("");
  for (const std::string& pattern : patterns) {
    if (std::ranges::none_of(modules, [&](const std::string& fqn) {
          return matches_glob(fqn, pattern);
        })) {
      refuse_pattern(
          "pipeline.recompute",
          "module",
          pattern,
          {modules.begin(), modules.end()});
    }
  }
}

}  // namespace pp
