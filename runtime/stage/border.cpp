#include "runtime/stage/border.h"

#include <algorithm>

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {

namespace {

void check_wanted(const Manifest& manifest, const WantedOutputs& wanted) {
  std::vector<std::string> names;
  for (const ModelOutput& output : manifest.outputs) {
    names.push_back(output.name);
  }
  for (const std::string& name : wanted) {
    if (std::ranges::find(names, name) == names.end()) {
      throw usage_error(
          "the model has no output '" + name + "'; it has " + join(names));
    }
  }
}

/// Values that are relayed only because the model returns them, and that nobody
/// asked for.
std::set<std::string> unwanted_values(
    const Manifest& manifest, const WantedOutputs& wanted) {
  std::set<std::string> wanted_values;
  for (const StageOutput& output : manifest.stages.back().outputs) {
    if (wanted.contains(output.model_output)) {
      wanted_values.insert(output.value);
    }
  }
  std::set<std::string> unwanted;
  for (const StageManifest& stage : manifest.stages) {
    for (const StageOutput& output : stage.outputs) {
      if (output.only_for_output && !wanted_values.contains(output.value)) {
        unwanted.insert(output.value);
      }
    }
  }
  return unwanted;
}

}  // namespace

Border plan_border(
    const Manifest& manifest, int stage, const WantedOutputs& wanted) {
  check_wanted(manifest, wanted);
  const std::set<std::string> unwanted = unwanted_values(manifest, wanted);
  const StageManifest& entry = manifest.stages.at(stage);
  // The previous stage decides which values cross the border. A value may be
  // only_for_output on one side of a border and not on the other.
  std::set<std::string> sent_by_previous;
  if (stage > 0) {
    for (const StageOutput& output : manifest.stages[stage - 1].outputs) {
      if (output.to_next &&
          !(output.only_for_output && unwanted.contains(output.value))) {
        sent_by_previous.insert(output.value);
      }
    }
  }
  Border border;
  border.guards = entry.guards;
  for (const StageInput& input : entry.inputs) {
    EntryPoint point;
    point.contract = input;
    point.is_tensor = input.type.kind == ir::TypeKind::Tensor;
    point.name = input.from_user ? input.user_name : input.value;
    if (input.from_user) {
      point.from = EntryPoint::From::User;
    } else {
      point.from = sent_by_previous.contains(input.value)
                       ? EntryPoint::From::Previous
                       : EntryPoint::From::Nowhere;
    }
    border.entries.push_back(std::move(point));
  }
  const bool is_last = stage + 1 == static_cast<int>(manifest.stages.size());
  for (const StageOutput& output : entry.outputs) {
    ExitPoint point;
    point.value = output.value;
    point.tensor = output.tensor;
    point.is_tensor = output.type.kind == ir::TypeKind::Tensor;
    point.to_next =
        !is_last && output.to_next &&
        !(output.only_for_output && unwanted.contains(output.value));
    if (is_last && wanted.contains(output.model_output)) {
      point.model_output = output.model_output;
    }
    const auto same =
        std::ranges::find(entry.inputs, output.value, &StageInput::value);
    if (output.relayed && same != entry.inputs.end()) {
      point.relay_input = static_cast<int>(same - entry.inputs.begin());
    }
    border.exits.push_back(std::move(point));
  }
  for (size_t i = 0; i < border.exits.size(); ++i) {
    const ExitPoint& point = border.exits[i];
    if (point.relay_input >= 0 && point.to_next) {
      border.entries[point.relay_input].relay_output = static_cast<int>(i);
    }
  }
  return border;
}

}  // namespace pp
