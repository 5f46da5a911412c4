#include "runtime/stage/program_run.h"

#include <utility>

namespace pp {

ProgramRun run_program(
    const Program& program,
    std::vector<c10::IValue> inputs,
    const std::vector<uint8_t>* requires_grad,
    std::span<const at::Tensor> states,
    const RandomKey& key) {
  // A leaf can't be written in place, and a tensor that another thread handed
  // over still belongs to that thread.
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (program.written_inputs()[i] && inputs[i].isTensor()) {
      inputs[i] = inputs[i].toTensor().clone();
    }
  }
  if (requires_grad == nullptr) {
    return {program.run(std::move(inputs), states, key), {}, nullptr};
  }
  RecordedRun run =
      program.record(std::move(inputs), *requires_grad, states, key);
  return {
      std::move(run.result),
      std::move(run.requires_grad),
      std::make_unique<Tape>(std::move(run.tape))};
}

}  // namespace pp
