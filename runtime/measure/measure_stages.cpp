#include "runtime/measure/measure_stages.h"

#include <algorithm>
#include <limits>

#include "loader/core/error.h"
#include "runtime/measure/timed_runs.h"

namespace pp {

StageRuns::StageRuns(const Model& model, const Partition& parts)
    : user_(sample_arguments(model)),
      best_ns_(parts.stages.size(), std::numeric_limits<uint64_t>::max()) {
  const std::vector<ir::Input>& inputs = model.graph.inputs;
  for (size_t i = 0; i < parts.stages.size(); ++i) {
    stages_.emplace_back(
        parts.stages[i],
        model.records,
        *model.archive,
        "stage " + std::to_string(i));
    std::vector<Source>& sources = sources_.emplace_back();
    size_t sent = 0;
    for (const StageInput& input : parts.manifest.stages[i].inputs) {
      if (!input.from_user) {
        sources.push_back({false, sent++});
        continue;
      }
      const auto found =
          std::ranges::find(inputs, input.user_name, &ir::Input::name);
      check(
          found != inputs.end(),
          "a stage's user input must be an input of the model");
      sources.push_back({true, static_cast<size_t>(found - inputs.begin())});
    }
  }
}

void StageRuns::pass(bool counts) {
  std::vector<c10::IValue> sent;
  for (size_t i = 0; i < stages_.size(); ++i) {
    std::vector<c10::IValue> arguments;
    for (const Source& source : sources_[i]) {
      arguments.push_back(
          source.from_user ? user_[source.index] : sent[source.index]);
    }
    sent.clear();
    const uint64_t elapsed_ns =
        time_of([&] { sent = stages_[i].run(std::move(arguments)); });
    if (counts) {
      best_ns_[i] = std::min(best_ns_[i], elapsed_ns);
    }
  }
}

}  // namespace pp
