#include "runtime/schedule/peak_live.h"

#include <algorithm>

namespace pp {

PeakLive peak_live(const std::vector<Action>& program, const CostTable& costs) {
  const bool keeps = std::ranges::any_of(program, [](const Action& action) {
    return makes_input_gradient(action.kind);
  });
  PeakLive live;
  PeakLive peak;
  for (const Action& action : program) {
    const StageCost& cost = costs.stages.size() == 1
                                ? costs.stages.front()
                                : costs.stages[action.stage];
    switch (action.kind) {
      case ActionKind::Forward:
        ++live.activations;
        live.bytes += cost.activation_bytes;
        peak.activations = std::max(peak.activations, live.activations);
        peak.bytes = std::max(peak.bytes, live.bytes);
        if (!keeps) {
          live = {};
        }
        break;
      case ActionKind::FullBackward:
        --live.activations;
        live.bytes -= cost.activation_bytes;
        break;
      case ActionKind::BackwardInput:
        live.bytes -= cost.activation_bytes - cost.weight_bytes;
        break;
      case ActionKind::BackwardWeight:
        --live.activations;
        live.bytes -= cost.weight_bytes;
        break;
      default:
        break;
    }
  }
  return peak;
}

}  // namespace pp
