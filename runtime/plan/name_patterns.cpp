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

bool some_are_absent(const PipelineSource& source) {
  return std::ranges::any_of(source.stages, [](const StageSource& stage) {
    return !stage.absent.empty();
  });
}

}  // namespace

bool is_frozen(
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
      if (is_frozen(fqn, aliases, {patterns[i]})) {
        used[i] = 1;
        frozen = true;
      }
    }
    any_left = any_left || !frozen;
  }
  for (size_t i = 0; i < patterns.size(); ++i) {
    if (used[i] == 0) {
      throw usage_error(
          "train.freeze: no parameter matches '" + patterns[i] + "'" +
          did_you_mean(patterns[i], names) + "; `pp inspect` lists them");
    }
  }
  if (!any_left) {
    throw usage_error("train.freeze leaves no parameter to train");
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
      throw usage_error(
          "pipeline.recompute: no module matches '" + pattern + "'" +
          did_you_mean(
              pattern,
              std::vector<std::string>(modules.begin(), modules.end())) +
          "; `pp inspect` lists them");
    }
  }
}

}  // namespace pp
