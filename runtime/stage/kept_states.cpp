#include "runtime/stage/kept_states.h"

#include <c10/core/GradMode.h>

namespace pp {

KeptStates::KeptStates(std::map<int, Stage>& stages) {
  const c10::AutoGradMode no_grad(false);
  for (auto& [number, stage] : stages) {
    for (const size_t index : stage.written_states()) {
      kept_.push_back(
          {&stage, index, stage.states()[index].tensor.detach().clone()});
    }
  }
}

void KeptStates::restore() const {
  const c10::AutoGradMode no_grad(false);
  for (const Kept& kept : kept_) {
    kept.stage->states()[kept.index].tensor.copy_(kept.value);
  }
}

}  // namespace pp
